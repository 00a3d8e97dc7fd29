#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/messages.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <vector>

namespace pipeactor {

/// A server that publishes one pipe name: a handle to its actor, made by
/// `context::spawn_server`. Cheap to copy. The server runs until `stop`, or until its context
/// ends, whether or not somebody holds a handle.
///
/// Actors `send` or `request` the messages `start`, `stop`, `async_broadcast` and
/// `get_connections` to `actor()`. The functions that wait are for threads that are not actors.
class PIPEACTOR_EXPORT named_pipe_server {
public:
  named_pipe_server() noexcept = default;

  explicit named_pipe_server(caf::actor actor) noexcept : actor_(std::move(actor)) {}

  const caf::actor& actor() const noexcept {
    return actor_;
  }

  explicit operator bool() const noexcept {
    return static_cast<bool>(actor_);
  }

  // -- requests that return at once: any thread -----------------------------------------------

  /// Sends `data` to every connected client; one payload is shared by all. The cookie comes
  /// back once per client.
  /// @returns as named_pipe_connection::async_write
  caf::error async_broadcast(payload data, pipeactor::cookie cookie = {}) const;

  // -- requests that wait for the answer: not from actors -------------------------------------

  /// Publishes the name: clients may connect when this returns. Idempotent.
  /// @returns an error with a text that tells what to do
  caf::expected<server_ready>
  start(std::chrono::milliseconds timeout = defaults::request_timeout) const;

  /// Closes all connections and gives the name back. Idempotent.
  caf::error stop(std::chrono::milliseconds timeout = defaults::request_timeout) const;

  /// Returns the connected clients.
  caf::expected<std::vector<named_pipe_connection>>
  connections(std::chrono::milliseconds timeout = defaults::request_timeout) const;

  /// Returns what the server's bridges and connections have done, and have queued.
  caf::expected<statistics>
  stats(std::chrono::milliseconds timeout = defaults::request_timeout) const;

private:
  caf::actor actor_;
};

} // namespace pipeactor
