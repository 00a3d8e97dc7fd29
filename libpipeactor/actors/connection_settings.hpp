#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/session.hpp"
#include "actors/user_quota.hpp"
#include "port/completion_port.hpp"

#include <cstdint>
#include <memory>

namespace pipeactor::detail {

using session_factory_ptr = std::shared_ptr<const session_factory>;

/// The settings that all connections of a server or client manager share.
struct connection_settings {
  uint64_t coordinator_id = 0;
  bool outgoing = false;
  connection_options options;
  /// Limits of one message in bytes, as granted by the port. 0: none (byte mode).
  size_t send_limit = 0;
  size_t receive_limit = 0;
  /// The users who may be at the other end.
  port::resolved_access access;
  /// Bounds the connections of each user. nullptr: no bound.
  std::shared_ptr<user_quota> quota;
  /// The server or client manager, which is notified of the connection's beginning and end.
  caf::actor coordinator;
  /// Takes the events, unless there is a session.
  caf::actor handler;
  /// Shared: a copy would copy the arguments of the sessions.
  session_factory_ptr make_session;
};

using connection_settings_ptr = std::shared_ptr<const connection_settings>;

/// Sets the limits that follow from options and port.
void set_limits(connection_settings& settings, const port::completion_port& port);

/// Returns why a client is not admitted, or nothing.
caf::error check_access(const connection_settings& settings, const port::completion_port& port,
                        const peer_identity& client);

/// Returns a number that no other server or client manager of this process has.
uint64_t next_coordinator_id() noexcept;

} // namespace pipeactor::detail
