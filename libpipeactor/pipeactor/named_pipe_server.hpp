#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/messages.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <vector>

namespace pipeactor {

/// A server, which publishes one pipe name: a handle to its actor, made by `context::spawn_server`.
/// Cheap to copy. The server runs until `stop` or the end of its context, even if no handle is
/// left.
///
/// Actors send the messages `start`, `stop`, `async_broadcast`, `get_connections` and `get_stats`
/// to `actor()`, or request them. The functions that wait are for threads that are not actors.
class PIPEACTOR_EXPORT named_pipe_server {
public:
  /// Makes an empty handle: requests return `errc::not_connected`.
  named_pipe_server() noexcept = default;

  /// Makes a handle to a server's actor.
  explicit named_pipe_server(caf::actor actor) noexcept : actor_(std::move(actor)) {}

  /// Returns the server's actor, e.g. to `send` to, `request` from or `monitor`.
  const caf::actor& actor() const noexcept {
    return actor_;
  }

  /// Returns whether the handle is not empty.
  explicit operator bool() const noexcept {
    return static_cast<bool>(actor_);
  }

  // -- requests that return at once: any thread -----------------------------------------------

  /// Writes `data` to every connected client, without a copy per client. `cookie` comes back once
  /// per client, in `client_message_sent` or `client_message_failed`.
  /// @returns an error as `named_pipe_connection::async_write` does
  caf::error async_broadcast(payload data, pipeactor::cookie cookie = {}) const;

  // -- requests that wait for the answer: not from actors -------------------------------------
  //
  // If no answer comes in time they return `errc::timed_out`; the request may still be carried
  // out.

  /// Publishes the name: clients may connect when this returns. May be repeated.
  /// @returns `errc::pipe_in_use`, `errc::invalid_option`, `errc::unsafe_directory`, ...: see
  ///   error.hpp
  caf::expected<server_ready>
  start(std::chrono::milliseconds timeout = defaults::request_timeout) const;

  /// Closes all connections and gives the name back: it is free when this returns. May be repeated.
  caf::error stop(std::chrono::milliseconds timeout = defaults::request_timeout) const;

  /// Returns the connected clients, in no order.
  caf::expected<std::vector<named_pipe_connection>>
  connections(std::chrono::milliseconds timeout = defaults::request_timeout) const;

  /// Returns the counters of the server's bridges and connections.
  caf::expected<statistics>
  stats(std::chrono::milliseconds timeout = defaults::request_timeout) const;

private:
  caf::actor actor_;
};

} // namespace pipeactor
