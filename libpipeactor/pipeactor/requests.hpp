#pragma once

// What servers, connections and client managers are asked for, as messages. See
// messages.hpp.

#include "pipeactor/caf.hpp"
#include "pipeactor/cookie.hpp"
#include "pipeactor/defaults.hpp"
#include "pipeactor/payload.hpp"

#include <cstdint>
#include <string>

namespace pipeactor {

// -- requests to a server ---------------------------------------------------------------------

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

/// Answered with `statistics` by a server or client manager, with `connection_stats` by a
/// connection.
struct get_stats {};

/// How a broadcast ended.
struct broadcast_result {
  uint64_t sent = 0;
  uint64_t failed = 0;
};

// -- requests to a connection -----------------------------------------------------------------

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

/// Takes no more writes, and closes the pipe when those before are sent or `deadline` has
/// passed; what the peer sends meanwhile is still received. As a request it is answered
/// (with nothing) when the pipe is closed.
struct close_after_drain {
  caf::timespan deadline = defaults::drain_timeout;
};

// -- requests to a client manager -------------------------------------------------------------

/// Opens a connection. Answered with its `named_pipe_connection` at once; `connected` or
/// `connect_failed` follows.
struct connect {
  /// As for servers: a leaf name, or on Linux an absolute path.
  std::string pipe_name;
  /// How long to try while the server is busy. A pipe that is not there fails at once.
  caf::timespan timeout = defaults::connect_timeout;
};

/// Looks for live servers, without connecting to any. Answered with
/// `std::vector<std::string>`: the leaf names that match, sorted.
struct find_named_pipes {
  /// `*` stands for any number of characters, `?` for one.
  std::string pattern = "*";
};

// -- inspection -------------------------------------------------------------------------------

#define PIPEACTOR_INSPECT_EMPTY(type)                                                              \
  template <class Inspector>                                                                       \
  detail::inspect_result_t<Inspector> inspect(Inspector& f, type&) {                               \
    return detail::inspect_fields(f, "pipeactor::" #type);                                         \
  }

PIPEACTOR_INSPECT_EMPTY(start)
PIPEACTOR_INSPECT_EMPTY(stop)
PIPEACTOR_INSPECT_EMPTY(get_connections)
PIPEACTOR_INSPECT_EMPTY(get_stats)
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
detail::inspect_result_t<Inspector> inspect(Inspector& f, close_after_drain& x) {
  return detail::inspect_fields(f, "pipeactor::close_after_drain",
                                detail::field("deadline", x.deadline));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, connect& x) {
  return detail::inspect_fields(f, "pipeactor::connect", detail::field("pipe_name", x.pipe_name),
                                detail::field("timeout", x.timeout));
}

template <class Inspector>
detail::inspect_result_t<Inspector> inspect(Inspector& f, find_named_pipes& x) {
  return detail::inspect_fields(f, "pipeactor::find_named_pipes",
                                detail::field("pattern", x.pattern));
}

} // namespace pipeactor
