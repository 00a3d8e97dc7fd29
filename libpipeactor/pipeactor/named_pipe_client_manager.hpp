#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/messages.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace pipeactor {

/// A client manager, which makes outgoing connections and finds servers: a handle to its actor,
/// made by `context::spawn_client_manager`. Cheap to copy. A connection belongs to the holders of
/// its handles: it closes when the last one is gone.
///
/// Actors request the messages `connect`, `find_named_pipes`, `get_stats` and `stop` from
/// `actor()`. The functions below are for threads that are not actors: they wait for the answer,
/// and return `errc::timed_out` if none comes in time.
class PIPEACTOR_EXPORT named_pipe_client_manager {
public:
  /// Makes an empty handle: all functions return `errc::not_connected`.
  named_pipe_client_manager() noexcept = default;

  /// Makes a handle to a client manager's actor.
  explicit named_pipe_client_manager(caf::actor actor) noexcept : actor_(std::move(actor)) {}

  /// Returns the client manager's actor.
  const caf::actor& actor() const noexcept {
    return actor_;
  }

  /// Returns whether the handle is not empty.
  explicit operator bool() const noexcept {
    return static_cast<bool>(actor_);
  }

  /// Returns a new connection while it is still opening: the event `connected` or `connect_failed`
  /// follows. What is written in the meantime is sent when the connection is open.
  /// @param timeout how long to keep trying while the server is busy; if no server listens on the
  ///   name, the connection fails at once
  caf::expected<named_pipe_connection>
  connect(std::string pipe_name, caf::timespan timeout = defaults::connect_timeout) const;

  /// Returns the counters of the client manager's bridges and connections.
  caf::expected<statistics>
  stats(std::chrono::milliseconds timeout = defaults::request_timeout) const;

  /// Returns the leaf names of running servers that match `pattern`, sorted. Connects to none.
  /// Returns `errc::not_supported` if the system does not list its pipes (Wine).
  /// @param pattern `*` stands for any number of characters, `?` for one
  caf::expected<std::vector<std::string>> find_named_pipes(std::string pattern = "*") const;

  /// Closes all connections, and returns when they are closed.
  caf::error stop(std::chrono::milliseconds timeout = defaults::request_timeout) const;

private:
  caf::actor actor_;
};

} // namespace pipeactor
