#include "pipeactor/context.hpp"

#include "pipeactor/completion_bridge.hpp"
#include "pipeactor/detail/server_actor.hpp"

#include <mutex>

namespace pipeactor {

struct context::impl {
  impl(caf::actor_system& sys, context_options options) : sys(sys), options(std::move(options)) {
    if (!this->options.make_port)
      this->options.make_port = [kind = this->options.port, spin = this->options.spin] {
        return port::make_completion_port(kind, spin);
      };
  }

  /// Returns the first `count` bridges, and starts those that do not run yet.
  caf::expected<std::vector<completion_bridge_ptr>> first_bridges(size_t count) {
    std::lock_guard guard{mutex};
    while (bridges.size() < count) {
      auto bridge = caf::make_counted<completion_bridge>(sys, options.make_port);
      if (auto err = options.run_threads ? bridge->open_with_thread() : bridge->open())
        return err;
      bridges.push_back(std::move(bridge));
    }
    return std::vector<completion_bridge_ptr>(bridges.begin(),
                                              bridges.begin() + static_cast<ptrdiff_t>(count));
  }

  caf::actor_system& sys;
  context_options options;
  std::mutex mutex;
  std::vector<completion_bridge_ptr> bridges;
  std::vector<caf::actor> servers;
};

context::context(caf::actor_system& sys, context_options options)
    : impl_(std::make_unique<impl>(sys, std::move(options))) {}

context::~context() {
  for (auto& bridge : impl_->bridges)
    bridge->shut_down();
  for (auto& bridge : impl_->bridges)
    bridge->join();
  for (auto& server : impl_->servers)
    caf::anon_send_exit(server, caf::exit_reason::user_shutdown);
}

caf::actor_system& context::system() const noexcept {
  return impl_->sys;
}

named_pipe_server context::spawn_server(server_options options, caf::actor handler) {
  return spawn_session_server(std::move(options), nullptr, std::move(handler));
}

named_pipe_server context::spawn_session_server(server_options options,
                                                session_factory make_session, caf::actor handler) {
  // A bad number of threads is reported by start, as all bad options are.
  auto count = check(options) ? 1 : options.num_threads;
  auto bridges = impl_->first_bridges(count);
  if (!bridges)
    return named_pipe_server{impl_->sys.spawn<caf::hidden>([err = bridges.error()]() -> caf::behavior {
      return {
        [err](const pipeactor::start&) -> caf::result<server_ready> { return err; },
        [](const pipeactor::stop&) {},
        [err](const pipeactor::async_broadcast&) -> caf::result<broadcast_result> { return err; },
        [](const get_connections&) { return std::vector<named_pipe_connection>{}; },
      };
    })};
  auto* host = bridges->front().get();
  auto server = detail::spawn_pinned<detail::server_actor>(
    impl_->sys, host, std::move(*bridges), std::move(options), std::move(handler),
    std::move(make_session));
  std::lock_guard guard{impl_->mutex};
  impl_->servers.push_back(server);
  return named_pipe_server{std::move(server)};
}

caf::expected<port_kind> context::port() {
  auto bridges = impl_->first_bridges(1);
  if (!bridges)
    return bridges.error();
  return bridges->front()->kind();
}

void context::step() {
  for (auto& bridge : impl_->bridges)
    bridge->turn(port::time_point::min());
}

} // namespace pipeactor
