#pragma once

// What servers and client managers tell their handler actor, as messages. See
// messages.hpp.

#include "pipeactor/caf.hpp"
#include "pipeactor/cookie.hpp"
#include "pipeactor/named_pipe_connection.hpp"
#include "pipeactor/payload.hpp"

#include <cstdint>
#include <string>

namespace pipeactor {

// -- events of a server -----------------------------------------------------------------------

/// Clients may connect. Raised once per start.
struct server_ready {
  caf::actor server;
  std::string pipe_name;
  /// The name as the operating system knows it: on Linux the path of the socket.
  std::string address;
  /// The longest message in bytes that a client may send and be sent; 0 in byte mode, where
  /// there is no limit.
  uint64_t max_message_size = 0;
};

struct client_connected {
  named_pipe_connection connection;
};

struct client_message_received {
  named_pipe_connection connection;
  /// The cookie of the `async_read`, empty where reading is continuous.
  pipeactor::cookie cookie;
  payload data;
};

/// The operating system took the message; the peer has perhaps not read it.
struct client_message_sent {
  named_pipe_connection connection;
  pipeactor::cookie cookie;
};

/// A write, or a read that was asked for, did not happen.
struct client_message_failed {
  named_pipe_connection connection;
  pipeactor::cookie cookie;
  caf::error error;
};

/// The last event of a connection. Where nobody holds the connection any more, the
/// handle is empty and only `connection_id` tells which one it was.
struct client_disconnected {
  named_pipe_connection connection;
  uint64_t connection_id = 0;
  /// `errc::closed_by_us`, `errc::closed_by_peer`, `errc::peer_reset`, ...
  caf::error reason;
};

// -- events of a client manager ---------------------------------------------------------------

struct connected {
  named_pipe_connection connection;
};

/// The connection was not made: `errc::no_such_pipe`, `errc::pipe_busy`, `errc::access_denied`, ...
struct connect_failed {
  /// Empty where nobody holds the connection any more.
  named_pipe_connection connection;
  uint64_t connection_id = 0;
  caf::error error;
};

struct message_received {
  named_pipe_connection connection;
  pipeactor::cookie cookie;
  payload data;
};

struct message_sent {
  named_pipe_connection connection;
  pipeactor::cookie cookie;
};

struct message_failed {
  named_pipe_connection connection;
  pipeactor::cookie cookie;
  caf::error error;
};

/// Of a connection that comes back by itself (`client_options::reconnect`): it was lost, or an
/// attempt failed, and the next one follows after `delay`.
struct reconnecting {
  named_pipe_connection connection;
  caf::error reason;
  caf::timespan delay{0};
};

/// The last event of a connection that was made; see `client_disconnected`.
struct disconnected {
  named_pipe_connection connection;
  uint64_t connection_id = 0;
  caf::error reason;
};

// -- inspection -------------------------------------------------------------------------------

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, server_ready& x) {
  return detail::inspect_fields(f, "pipeactor::server_ready", detail::field("server", x.server),
                                detail::field("pipe_name", x.pipe_name),
                                detail::field("address", x.address),
                                detail::field("max_message_size", x.max_message_size));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, client_connected& x) {
  return detail::inspect_fields(f, "pipeactor::client_connected",
                                detail::field("connection", x.connection));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, client_message_received& x) {
  return detail::inspect_fields(f, "pipeactor::client_message_received",
                                detail::field("connection", x.connection),
                                detail::field("cookie", x.cookie), detail::field("data", x.data));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, client_message_sent& x) {
  return detail::inspect_fields(f, "pipeactor::client_message_sent",
                                detail::field("connection", x.connection),
                                detail::field("cookie", x.cookie));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, client_message_failed& x) {
  return detail::inspect_fields(f, "pipeactor::client_message_failed",
                                detail::field("connection", x.connection),
                                detail::field("cookie", x.cookie), detail::field("error", x.error));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, client_disconnected& x) {
  return detail::inspect_fields(f, "pipeactor::client_disconnected",
                                detail::field("connection", x.connection),
                                detail::field("connection_id", x.connection_id),
                                detail::field("reason", x.reason));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, connected& x) {
  return detail::inspect_fields(f, "pipeactor::connected",
                                detail::field("connection", x.connection));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, connect_failed& x) {
  return detail::inspect_fields(f, "pipeactor::connect_failed",
                                detail::field("connection", x.connection),
                                detail::field("connection_id", x.connection_id),
                                detail::field("error", x.error));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, message_received& x) {
  return detail::inspect_fields(f, "pipeactor::message_received",
                                detail::field("connection", x.connection),
                                detail::field("cookie", x.cookie), detail::field("data", x.data));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, message_sent& x) {
  return detail::inspect_fields(f, "pipeactor::message_sent",
                                detail::field("connection", x.connection),
                                detail::field("cookie", x.cookie));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, message_failed& x) {
  return detail::inspect_fields(f, "pipeactor::message_failed",
                                detail::field("connection", x.connection),
                                detail::field("cookie", x.cookie), detail::field("error", x.error));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, reconnecting& x) {
  return detail::inspect_fields(f, "pipeactor::reconnecting",
                                detail::field("connection", x.connection),
                                detail::field("reason", x.reason), detail::field("delay", x.delay));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, disconnected& x) {
  return detail::inspect_fields(f, "pipeactor::disconnected",
                                detail::field("connection", x.connection),
                                detail::field("connection_id", x.connection_id),
                                detail::field("reason", x.reason));
}

} // namespace pipeactor
