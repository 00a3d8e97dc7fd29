#include "pipeactor/named_pipe_server.hpp"

#include "base/ask.hpp"
#include "base/errors.hpp"

namespace pipeactor {

caf::error named_pipe_server::async_broadcast(payload data, pipeactor::cookie cookie) const {
  if (data.empty())
    return caf::none;
  if (!actor_)
    return errors::empty_handle();
  if (actor_.node() != actor_.home_system().node())
    if (auto err = cookie.check_portable())
      return err;
  caf::anon_send(actor_, pipeactor::async_broadcast{std::move(data), std::move(cookie)});
  return caf::none;
}

caf::expected<server_ready> named_pipe_server::start(std::chrono::milliseconds timeout) const {
  server_ready result;
  if (auto err = detail::ask(actor_, timeout, pipeactor::start{},
                             [&](server_ready& ready) { result = std::move(ready); }))
    return err;
  return result;
}

caf::error named_pipe_server::stop(std::chrono::milliseconds timeout) const {
  return detail::ask(actor_, timeout, pipeactor::stop{}, [] {});
}

caf::expected<std::vector<named_pipe_connection>>
named_pipe_server::connections(std::chrono::milliseconds timeout) const {
  std::vector<named_pipe_connection> result;
  if (auto err = detail::ask(actor_, timeout, get_connections{},
                             [&](std::vector<named_pipe_connection>& xs) {
                               result = std::move(xs);
                             }))
    return err;
  return result;
}

caf::expected<statistics> named_pipe_server::stats(std::chrono::milliseconds timeout) const {
  return detail::ask_for_statistics(actor_, timeout);
}

} // namespace pipeactor
