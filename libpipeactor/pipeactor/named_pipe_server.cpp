#include "pipeactor/named_pipe_server.hpp"

#include "pipeactor/error.hpp"

#include <caf/scoped_actor.hpp>

namespace pipeactor {

namespace {

/// Asks a server and waits for its answer, `set` with what the request returns.
template <class... Results, class Request, class Set>
caf::error ask(const caf::actor& server, std::chrono::milliseconds timeout, Request request,
               Set set) {
  if (!server)
    return make_error(errc::not_connected, "this handle belongs to no server");
  caf::error result;
  caf::scoped_actor self{server->home_system(), true};
  self->request(server, timeout, std::move(request)).receive(set, [&](caf::error& err) {
    result = err == caf::sec::request_timeout ? make_error(errc::timed_out) : std::move(err);
  });
  return result;
}

} // namespace

void named_pipe_server::async_broadcast(payload data, pipeactor::cookie cookie) const {
  if (!data.empty())
    caf::anon_send(actor_, pipeactor::async_broadcast{std::move(data), std::move(cookie)});
}

caf::expected<server_ready> named_pipe_server::start(std::chrono::milliseconds timeout) const {
  server_ready result;
  if (auto err = ask(actor_, timeout, pipeactor::start{},
                     [&](server_ready& ready) { result = std::move(ready); }))
    return err;
  return result;
}

caf::error named_pipe_server::stop(std::chrono::milliseconds timeout) const {
  return ask(actor_, timeout, pipeactor::stop{}, [] {});
}

caf::expected<std::vector<named_pipe_connection>>
named_pipe_server::connections(std::chrono::milliseconds timeout) const {
  std::vector<named_pipe_connection> result;
  if (auto err = ask(actor_, timeout, get_connections{},
                     [&](std::vector<named_pipe_connection>& xs) { result = std::move(xs); }))
    return err;
  return result;
}

} // namespace pipeactor
