#pragma once

// The messages that servers and client managers send to their handler actor. See message_list.hpp
// and messages.hpp. Why a connection ended: see `errc` in error.hpp.

#include "pipeactor/caf.hpp"
#include "pipeactor/cookie.hpp"
#include "pipeactor/named_pipe_connection.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/type_ids.hpp"

#include <cstdint>
#include <string>

namespace pipeactor {

// -- events of servers and client managers: the same under two names --------------------------

/// `client_connected` and `connected`: the pipe is connected. The first event of a connection.
struct connected_event {
  named_pipe_connection connection;
};

/// `client_message_received` and `message_received`: a message arrived (byte mode: bytes).
struct message_received_event {
  named_pipe_connection connection;
  /// The cookie of the `async_read`; empty if reading is continuous.
  pipeactor::cookie cookie;
  payload data;
};

/// `client_message_sent` and `message_sent`: the operating system took the message. The peer may
/// not have read it yet.
struct message_sent_event {
  named_pipe_connection connection;
  pipeactor::cookie cookie;
};

/// `client_message_failed` and `message_failed`: a write, or a read that was asked for, did not
/// happen.
struct message_failed_event {
  named_pipe_connection connection;
  pipeactor::cookie cookie;
  caf::error error;
};

/// `client_disconnected` and `disconnected`: the pipe is closed. The last event of a connection.
struct disconnected_event {
  /// Empty if no handle of the connection is left.
  named_pipe_connection connection;
  uint64_t connection_id = 0;
  /// `errc::closed_by_us`, `errc::closed_by_peer`, `errc::peer_reset`, ...: see error.hpp.
  caf::error reason;
};

// -- events of a server -----------------------------------------------------------------------

/// Clients may connect. Raised once per start.
struct server_ready {
  caf::actor server;
  std::string pipe_name;
  /// The name as the operating system knows it: on Linux the path of the socket.
  std::string address;
  /// The longest message in bytes that a client may send or be sent; 0 in byte mode, which has
  /// no limit.
  uint64_t max_message_size = 0;
};
PIPEACTOR_INSPECT(server_ready, server, pipe_name, address, max_message_size)

/// The server can listen no more, although it tried again, and stops: its connections are closed.
/// It may be started again.
struct server_failed {
  caf::actor server;
  std::string pipe_name;
  caf::error reason;
};
PIPEACTOR_INSPECT(server_failed, server, pipe_name, reason)

struct client_connected : connected_event {};
PIPEACTOR_INSPECT(client_connected, connection)

struct client_message_received : message_received_event {};
PIPEACTOR_INSPECT(client_message_received, connection, cookie, data)

struct client_message_sent : message_sent_event {};
PIPEACTOR_INSPECT(client_message_sent, connection, cookie)

struct client_message_failed : message_failed_event {};
PIPEACTOR_INSPECT(client_message_failed, connection, cookie, error)

struct client_disconnected : disconnected_event {};
PIPEACTOR_INSPECT(client_disconnected, connection, connection_id, reason)

// -- events of a client manager ---------------------------------------------------------------

struct connected : connected_event {};
PIPEACTOR_INSPECT(connected, connection)

/// The connection was not made. The only event of that connection.
struct connect_failed {
  /// Empty if no handle of the connection is left.
  named_pipe_connection connection;
  uint64_t connection_id = 0;
  /// `errc::no_such_pipe`, `errc::pipe_busy`, `errc::access_denied`, ...: see error.hpp.
  caf::error error;
};
PIPEACTOR_INSPECT(connect_failed, connection, connection_id, error)

struct message_received : message_received_event {};
PIPEACTOR_INSPECT(message_received, connection, cookie, data)

struct message_sent : message_sent_event {};
PIPEACTOR_INSPECT(message_sent, connection, cookie)

struct message_failed : message_failed_event {};
PIPEACTOR_INSPECT(message_failed, connection, cookie, error)

/// A connection that reconnects by itself (`client_options::reconnect`) was lost, or an attempt
/// failed. The next attempt follows after `delay`.
struct reconnecting {
  named_pipe_connection connection;
  caf::error reason;
  caf::timespan delay{0};
};
PIPEACTOR_INSPECT(reconnecting, connection, reason, delay)

struct disconnected : disconnected_event {};
PIPEACTOR_INSPECT(disconnected, connection, connection_id, reason)

} // namespace pipeactor
