#pragma once

// Every request and event is a message: a named struct that CAF can inspect and
// serialise.

#include "pipeactor/cookie.hpp"
#include "pipeactor/named_pipe_connection.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/detail/caf_compat.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pipeactor {

// -- requests to a server -----------------------------------------------------------

/// Publishes the name. Answered with `server_ready`, or an error. Idempotent.
struct start {};

/// Closes everything. Answered (with nothing) when the name is free again and the last
/// `client_disconnected` is on its way. Idempotent.
struct stop {};

/// Sends `data` to every connected client; one payload is shared by all. As a request it is
/// answered with `broadcast_result` when every recipient's write has ended.
struct async_broadcast {
  payload data;
  pipeactor::cookie cookie;
};

/// Answered with `std::vector<named_pipe_connection>`: the connected clients.
struct get_connections {};

/// How a broadcast ended.
struct broadcast_result {
  uint64_t sent = 0;
  uint64_t failed = 0;
};

// -- requests to a connection ---------------------------------------------------------

/// Sends `data` to the peer. As a request it is also answered to the requester: with
/// nothing when the operating system took it, else with the error.
struct async_write {
  payload data;
  pipeactor::cookie cookie;
};

/// Reads one message. As a request it is also answered with the message's `payload`.
struct async_read {
  pipeactor::cookie cookie;
};

/// Closes the pipe. As a request it is answered (with nothing) when it is closed.
struct async_close {};

// -- events of a server -----------------------------------------------------------------

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

// -- inspection --------------------------------------------------------------------------

#define PIPEACTOR_INSPECT_EMPTY(type)                                                              \
  template <class Inspector>                                                                       \
  detail::inspect_result_t<Inspector> inspect(Inspector& f, type&) {                               \
    return detail::inspect_fields(f, "pipeactor::" #type);                                         \
  }

PIPEACTOR_INSPECT_EMPTY(start)
PIPEACTOR_INSPECT_EMPTY(stop)
PIPEACTOR_INSPECT_EMPTY(get_connections)
PIPEACTOR_INSPECT_EMPTY(async_close)

#undef PIPEACTOR_INSPECT_EMPTY

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, async_broadcast& x) {
  return detail::inspect_fields(f, "pipeactor::async_broadcast", detail::field("data", x.data),
                                detail::field("cookie", x.cookie));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, broadcast_result& x) {
  return detail::inspect_fields(f, "pipeactor::broadcast_result", detail::field("sent", x.sent),
                                detail::field("failed", x.failed));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, async_write& x) {
  return detail::inspect_fields(f, "pipeactor::async_write", detail::field("data", x.data),
                                detail::field("cookie", x.cookie));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, async_read& x) {
  return detail::inspect_fields(f, "pipeactor::async_read", detail::field("cookie", x.cookie));
}

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

// -- helpers ---------------------------------------------------------------------------------

/// Returns handlers that ignore every event. A plain CAF actor prints messages that it
/// has no handler for; end a handler actor's behavior with these:
/// `return caf::message_handler{...}.or_else(ignore_events());`
PIPEACTOR_EXPORT caf::message_handler ignore_events();

/// Returns a behavior of the given handlers that ignores all other events.
template <class... Fs>
caf::behavior event_handlers(Fs... fs) {
  return caf::message_handler{std::move(fs)...}.or_else(ignore_events());
}

/// Makes the messages known to an actor system; needed to send them to other nodes. Call it
/// before the system is made.
PIPEACTOR_EXPORT void add_message_types(caf::actor_system_config& config);

} // namespace pipeactor

// The block begins well above `caf::first_custom_type_id`, where users' own blocks begin.
CAF_BEGIN_TYPE_ID_BLOCK(pipeactor, caf::first_custom_type_id + 800)
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::payload))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::cookie))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::peer_identity))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::named_pipe_connection))
  CAF_ADD_TYPE_ID(pipeactor, (std::vector<pipeactor::named_pipe_connection>) )
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::start))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::stop))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::async_broadcast))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::get_connections))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::broadcast_result))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::async_write))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::async_read))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::async_close))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::server_ready))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::client_connected))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::client_message_received))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::client_message_sent))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::client_message_failed))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::client_disconnected))
CAF_END_TYPE_ID_BLOCK(pipeactor)
