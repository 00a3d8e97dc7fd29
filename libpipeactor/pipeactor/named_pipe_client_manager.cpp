#include "pipeactor/named_pipe_client_manager.hpp"

#include "base/ask.hpp"

namespace pipeactor {

caf::expected<named_pipe_connection>
named_pipe_client_manager::connect(std::string pipe_name, caf::timespan timeout) const {
  named_pipe_connection result;
  if (auto err = detail::ask(actor_, defaults::request_timeout,
                             pipeactor::connect{std::move(pipe_name), timeout},
                             [&](named_pipe_connection& made) { result = std::move(made); }))
    return err;
  return result;
}

caf::expected<std::vector<std::string>>
named_pipe_client_manager::find_named_pipes(std::string pattern) const {
  std::vector<std::string> result;
  if (auto err = detail::ask(actor_, defaults::request_timeout,
                             pipeactor::find_named_pipes{std::move(pattern)},
                             [&](std::vector<std::string>& names) { result = std::move(names); }))
    return err;
  return result;
}

caf::error named_pipe_client_manager::stop(std::chrono::milliseconds timeout) const {
  return detail::ask(actor_, timeout, pipeactor::stop{}, [] {});
}

caf::expected<statistics>
named_pipe_client_manager::stats(std::chrono::milliseconds timeout) const {
  return detail::ask_for_statistics(actor_, timeout);
}

} // namespace pipeactor
