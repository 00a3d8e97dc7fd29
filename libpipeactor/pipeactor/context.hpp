#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/named_pipe_client_manager.hpp"
#include "pipeactor/named_pipe_server.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/session.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace pipeactor {

/// Owns the bridges: the I/O threads, each with a completion port. Make it after the actor
/// system, and destroy it first. It starts bridges when servers and client managers first need
/// them.
///
/// The destructor closes every connection, waits for every outstanding operation and joins the
/// threads. Servers and connections that are still held answer `errc::not_connected` from then on.
/// Drop all handles before the actor system ends: CAF cannot release an actor afterwards.
class PIPEACTOR_EXPORT context {
public:
  /// Makes a context without bridges. The options, and those of the system's configuration
  /// (system_config.hpp), are checked when a bridge is first needed.
  explicit context(caf::actor_system& sys, context_options options = {});
  context(const context&) = delete;
  context& operator=(const context&) = delete;
  ~context();

  /// Returns the actor system.
  caf::actor_system& system() const noexcept;

  /// Makes a server that sends its events to `handler`, one at a time and in order (marshalled
  /// events). With an empty `handler` they are dropped. CAF prints messages that an actor has no
  /// handler for: see `event_handlers`. Any thread.
  ///
  /// Wrong options, or ports that cannot be made, are errors of `named_pipe_server::start`.
  named_pipe_server spawn_server(server_options options, caf::actor handler = {});

  /// Makes a server that gives each client a `Session`, constructed from copies of `args`
  /// (free-threaded events: see session.hpp). Any thread.
  template <class Session, class... Args>
  named_pipe_server spawn_server(server_options options, const Args&... args) {
    return spawn_session_server(std::move(options), [args...]() -> std::unique_ptr<session> {
      return std::make_unique<Session>(args...);
    });
  }

  /// Makes a server that gets the session of each client from `make_session`. `server_ready` and
  /// `server_failed` go to `handler`, if there is one. Any thread.
  named_pipe_server spawn_session_server(server_options options, session_factory make_session,
                                         caf::actor handler = {});

  /// Makes a client manager that sends the events of its connections to `handler` (marshalled
  /// events). Wrong options, or ports that cannot be made, are errors of
  /// `named_pipe_client_manager::connect`. Any thread.
  named_pipe_client_manager spawn_client_manager(client_options options, caf::actor handler = {});

  /// Makes a client manager that gives each connection a `Session`, constructed from copies of
  /// `args` (free-threaded events: see session.hpp). Any thread.
  template <class Session, class... Args>
  named_pipe_client_manager spawn_client_manager(client_options options, const Args&... args) {
    return spawn_session_client_manager(std::move(options),
                                        [args...]() -> std::unique_ptr<session> {
                                          return std::make_unique<Session>(args...);
                                        });
  }

  /// Makes a client manager that gets the session of each connection from `make_session`. Any
  /// thread.
  named_pipe_client_manager spawn_session_client_manager(client_options options,
                                                         session_factory make_session);

  /// Returns the kind of the port in use, or the error if it cannot be made. Starts the first
  /// bridge. Any thread.
  caf::expected<port_kind> port();

  /// Runs one turn of each bridge. Only if `context_options::run_threads` is false, and always on
  /// the same thread. Ends the program (std::terminate) if a bridge has no memory to go on: the
  /// threads of bridges do the same.
  void turn();

  /// Returns how many bridges there are by now. Any thread.
  size_t num_bridges() const;

  /// Runs one turn of one bridge: for tests that decide which is next. The same conditions as for
  /// turn(); `number` is less than num_bridges().
  void turn_bridge(size_t number);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Lets the threads of CAF's scheduler sleep while they have nothing to do; by default they look
/// for work a hundred times a second. For programs that mostly wait for their pipes. Call it before
/// the actor system is made.
PIPEACTOR_EXPORT void let_scheduler_sleep(caf::actor_system_config& config);

} // namespace pipeactor
