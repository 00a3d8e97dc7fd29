#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/messages.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace pipeactor {

/// Makes outgoing connections: a handle to the coordinator's actor, made by
/// `context::spawn_client_manager`. Cheap to copy. Connections belong to whoever holds them:
/// one that nobody holds any more is closed.
///
/// Actors `request` the messages `connect` and `find_named_pipes` from `actor()`; a thread that
/// is not an actor calls the functions of these names.
class PIPEACTOR_EXPORT named_pipe_client_manager {
public:
  named_pipe_client_manager() noexcept = default;

  explicit named_pipe_client_manager(caf::actor actor) noexcept : actor_(std::move(actor)) {}

  const caf::actor& actor() const noexcept {
    return actor_;
  }

  explicit operator bool() const noexcept {
    return static_cast<bool>(actor_);
  }

  /// Returns a new connection at once, while it is opening: `connected` or `connect_failed`
  /// follows.
  /// What is written meanwhile is sent when it is open. Not from actors: waits for the
  /// manager's answer.
  /// @param timeout how long to try while the server is busy
  caf::expected<named_pipe_connection>
  connect(std::string pipe_name, caf::timespan timeout = defaults::connect_timeout) const;

  /// Returns what the manager's bridges and connections have done, and have queued. Not from
  /// actors: waits.
  caf::expected<statistics>
  stats(std::chrono::milliseconds timeout = defaults::request_timeout) const;

  /// Returns the leaf names of live servers that match `pattern` (`*` and `?`), sorted. Connects
  /// to none. Not from actors: waits for the manager's answer.
  caf::expected<std::vector<std::string>> find_named_pipes(std::string pattern = "*") const;

  /// Closes all connections. Waits until they are closed; not from actors.
  caf::error stop(std::chrono::milliseconds timeout = defaults::request_timeout) const;

private:
  caf::actor actor_;
};

} // namespace pipeactor
