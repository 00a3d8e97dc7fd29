#include "pipeactor/context.hpp"

#include "pipeactor/error.hpp"
#include "pipeactor/system_config.hpp"
#include "actors/bridge_actor.hpp"
#include "actors/client_manager_actor.hpp"
#include "actors/server_actor.hpp"
#include "base/log.hpp"
#include "base/loop_thread.hpp"
#include "base/scheduler.hpp"
#include "base/silent_events.hpp"

#include <algorithm>
#include <mutex>
#include <thread>

namespace pipeactor {

namespace {

bool is_event(const detail::unhandled_message& message) {
#define PIPEACTOR_IS_MESSAGE(event) detail::is_message<event>(message) ||
  return PIPEACTOR_EVENTS(PIPEACTOR_IS_MESSAGE) false;
#undef PIPEACTOR_IS_MESSAGE
}

} // namespace

struct context::impl {
  impl(caf::actor_system& sys, context_options wanted) : sys(sys), options(std::move(wanted)) {
    if (auto configured = with_configuration(options, sys.config()))
      options = std::move(*configured);
    else
      misconfigured = std::move(configured.error());
    memory = caf::make_counted<detail::memory_account>(options.memory_limit);
    if (!options.make_port)
      options.make_port = [kind = options.port, spin = options.spin] {
        return port::make_completion_port(kind, spin);
      };
  }

  /// Closes everything, and waits until it is closed.
  void end() {
    for (auto& bridge : bridges)
      bridge->bridge().shut_down();
    for (auto& bridge : bridges)
      bridge->bridge().join();
    for (auto& coordinator : coordinators)
      if (auto actor = caf::actor_cast<caf::actor>(coordinator))
        caf::anon_send(actor, caf::exit_msg{caf::actor_addr{}, make_error(errc::shutting_down)});
  }

  /// Returns the first `count` bridges, and starts those that do not run yet.
  caf::expected<std::vector<detail::bridge_connections_ptr>> first_bridges(size_t count) {
    if (misconfigured)
      return misconfigured;
    if (auto err = check(options))
      return err;
    std::lock_guard guard{mutex};
    bridges.reserve(count);
    while (bridges.size() < count) {
      auto bridge = open_bridge();
      if (!bridge)
        return std::move(bridge.error());
      bridges.push_back(std::move(*bridge));
    }
    return std::vector<detail::bridge_connections_ptr>(bridges.begin(),
                                                       bridges.begin()
                                                         + static_cast<ptrdiff_t>(count));
  }

  caf::expected<detail::bridge_connections_ptr> open_bridge() {
    auto result = caf::make_counted<detail::bridge_connections>(sys, options.make_port, memory,
                                                                options.run_threads ? &watch
                                                                                    : nullptr);
    auto& bridge = result->bridge();
    auto actor = detail::spawn_pinned<detail::bridge_actor>(sys, &bridge, result);
    result->actor(actor);
    bridge.send_as(caf::actor_cast<caf::strong_actor_ptr>(actor));
    // They hold each other.
    auto give_up = [&] {
      bridge.send_as(nullptr);
      result->actor(nullptr);
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    };
    try {
      if (auto err = options.run_threads ? bridge.open_with_thread() : bridge.open()) {
        give_up();
        return err;
      }
    } catch (...) {
      give_up();
      throw;
    }
    if (options.run_threads)
      watch.add(bridge.pulse());
    return result;
  }

  /// Spawns a server or client manager on the first of its bridges.
  template <class Actor, class Options>
  caf::actor spawn_coordinator(Options options, caf::actor handler, session_factory make_session) {
    if (options.num_threads == 0)
      options.num_threads = this->options.num_threads;
    // A bad number of threads is reported later, as all bad options are.
    auto found = first_bridges(check(options) ? 1 : options.num_threads);
    if (!found)
      return sys.spawn<caf::hidden>(without_bridges, found.error());
    detail::drop_in_silence(handler, is_event);
    auto* host = &found->front()->bridge();
    auto factory = make_session ? std::make_shared<const session_factory>(std::move(make_session))
                                : nullptr;
    auto actor = detail::spawn_pinned<Actor>(sys, host, std::move(*found), std::move(options),
                                             std::move(handler), std::move(factory));
    std::lock_guard guard{mutex};
    if (coordinators.size() == coordinators.capacity())
      coordinators.erase(std::remove_if(coordinators.begin(), coordinators.end(),
                                        [](auto& weak) {
                                          return !caf::actor_cast<caf::strong_actor_ptr>(weak);
                                        }),
                         coordinators.end());
    coordinators.push_back(caf::actor_cast<caf::weak_actor_ptr>(actor));
    return actor;
  }

  /// Stands in for a coordinator if no port could be made: it answers with the reason.
  static caf::behavior without_bridges(caf::error why) {
    return {
      [why](const pipeactor::start&) -> caf::result<server_ready> { return why; },
      [why](const async_broadcast&) -> caf::result<broadcast_result> { return why; },
      [why](const connect&) -> caf::result<named_pipe_connection> { return why; },
      [why](const find_named_pipes&) -> caf::result<std::vector<std::string>> { return why; },
      [](const get_connections&) { return std::vector<named_pipe_connection>{}; },
      [why](const get_stats&) -> caf::result<statistics> { return why; },
      [](const stop&) {},
    };
  }

  caf::actor_system& sys;
  context_options options;
  caf::error misconfigured;
  detail::memory_account_ptr memory;
  detail::handler_watch watch;
  std::mutex mutex;
  std::vector<detail::bridge_connections_ptr> bridges;
  // Weak: a coordinator that is not running and has no handle is of no use.
  std::vector<caf::weak_actor_ptr> coordinators;
};

context::context(caf::actor_system& sys, context_options options)
    : impl_(std::make_unique<impl>(sys, std::move(options))) {}

context::~context() {
  if (!detail::is_loop_thread()) {
    impl_->end();
    return;
  }
  // A bridge cannot wait for its own end. The actor system, which has to outlive it, is not waited
  // for either.
  detail::log_warning("a context was destroyed inside a handler on one of its bridges: it ends in "
                      "the background; destroy it on another thread, before its actor system");
  std::thread{[ended = std::move(impl_)] { ended->end(); }}.detach();
}

caf::actor_system& context::system() const noexcept {
  return impl_->sys;
}

named_pipe_server context::spawn_server(server_options options, caf::actor handler) {
  return spawn_session_server(std::move(options), nullptr, std::move(handler));
}

named_pipe_server context::spawn_session_server(server_options options,
                                                session_factory make_session, caf::actor handler) {
  return named_pipe_server{impl_->spawn_coordinator<detail::server_actor>(std::move(options),
                                                                          std::move(handler),
                                                                          std::move(make_session))};
}

named_pipe_client_manager context::spawn_client_manager(client_options options,
                                                        caf::actor handler) {
  return named_pipe_client_manager{
    impl_->spawn_coordinator<detail::client_manager_actor>(std::move(options), std::move(handler),
                                                           nullptr)};
}

named_pipe_client_manager context::spawn_session_client_manager(client_options options,
                                                                session_factory make_session) {
  return named_pipe_client_manager{
    impl_->spawn_coordinator<detail::client_manager_actor>(std::move(options), caf::actor{},
                                                           std::move(make_session))};
}

caf::expected<port_kind> context::port() {
  auto bridges = impl_->first_bridges(1);
  if (!bridges)
    return bridges.error();
  return bridges->front()->bridge().kind();
}

void context::turn() {
  for (size_t number = 0; number < num_bridges(); ++number)
    turn_bridge(number);
}

size_t context::num_bridges() const {
  std::lock_guard guard{impl_->mutex};
  return impl_->bridges.size();
}

void context::turn_bridge(size_t number) {
  impl_->bridges[number]->bridge().turn(port::time_point::min());
}

void let_scheduler_sleep(caf::actor_system_config& config) {
  detail::let_scheduler_sleep(config);
}

} // namespace pipeactor
