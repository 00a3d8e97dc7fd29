#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/named_pipe_client_manager.hpp"
#include "pipeactor/named_pipe_server.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/session.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pipeactor {

/// Owns the bridges: the I/O threads with their completion ports. Made after the actor
/// system and destroyed before it. Its end closes every connection, waits for every
/// outstanding operation and joins the threads; servers and connections that are still held
/// answer `errc::not_connected` from then on.
/// Drop all handles before the actor system ends: CAF cannot release an actor after it.
class PIPEACTOR_EXPORT context {
public:
  explicit context(caf::actor_system& sys, context_options options = {});
  context(const context&) = delete;
  context& operator=(const context&) = delete;
  ~context();

  caf::actor_system& system() const noexcept;

  /// Makes a server whose events go, one at a time and in order, to `handler` (marshalled
  /// events). Where `handler` is empty nobody hears them. An actor of CAF prints messages
  /// that it has no handler for: see `event_handlers`.
  /// Where the context's ports cannot be made, `start` tells why.
  named_pipe_server spawn_server(server_options options, caf::actor handler = {});

  /// Makes a server with one object of `Session` per client, whose handlers run in the
  /// connection's actor (free-threaded events). `args` are copied to each.
  template <class Session, class... Args>
  named_pipe_server spawn_server(server_options options, const Args&... args) {
    return spawn_session_server(std::move(options), [args...]() -> std::unique_ptr<session> {
      return std::make_unique<Session>(args...);
    });
  }

  /// Makes a server whose sessions come from `make_session`; `handler`, if any, hears
  /// `server_ready`.
  named_pipe_server spawn_session_server(server_options options, session_factory make_session,
                                         caf::actor handler = {});

  /// Makes a client manager whose connections' events go to `handler` (marshalled events).
  named_pipe_client_manager spawn_client_manager(client_options options, caf::actor handler = {});

  /// Makes a client manager with one object of `Session` per connection (free-threaded events).
  /// `args` are copied to each.
  template <class Session, class... Args>
  named_pipe_client_manager spawn_client_manager(client_options options, const Args&... args) {
    return spawn_session_client_manager(std::move(options),
                                        [args...]() -> std::unique_ptr<session> {
                                          return std::make_unique<Session>(args...);
                                        });
  }

  /// Makes a client manager whose sessions come from `make_session`.
  named_pipe_client_manager spawn_session_client_manager(client_options options,
                                                         session_factory make_session);

  /// Returns the kind of port in use, or why there is none. Starts the first bridge.
  caf::expected<port_kind> port();

  /// Runs one turn of each bridge, where `context_options::run_threads` is false.
  void turn();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Lets the threads of CAF's scheduler sleep while they have nothing to do; by default they look
/// for work a hundred times a second. For programs that mostly wait for their pipes. Call it
/// before the actor system is made.
PIPEACTOR_EXPORT void let_scheduler_sleep(caf::actor_system_config& config);

} // namespace pipeactor
