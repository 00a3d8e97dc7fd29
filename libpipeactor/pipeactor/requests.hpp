#pragma once

// What servers, connections and client managers are asked for, as messages: see
// message_list.hpp and messages.hpp.

#include "pipeactor/caf.hpp"
#include "pipeactor/cookie.hpp"
#include "pipeactor/defaults.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/type_ids.hpp"

#include <cstdint>
#include <string>

namespace pipeactor {

// -- requests to a server ---------------------------------------------------------------------

/// Publishes the name. Answered with `server_ready`, or an error. Idempotent.
struct start {};
PIPEACTOR_INSPECT(start)

/// Closes everything. Answered (with nothing) when the name is free again and the last
/// `client_disconnected` is on its way. Idempotent.
struct stop {};
PIPEACTOR_INSPECT(stop)

/// Sends `data` to every connected client; one payload is shared by all. As a request it is
/// answered with `broadcast_result` when every recipient's write has ended.
struct async_broadcast {
  payload data;
  pipeactor::cookie cookie;
};
PIPEACTOR_INSPECT(async_broadcast, data, cookie)

/// Answered with `std::vector<named_pipe_connection>`: the connected clients.
struct get_connections {};
PIPEACTOR_INSPECT(get_connections)

/// Answered with `statistics` by a server or client manager, with `connection_stats` by a
/// connection.
struct get_stats {};
PIPEACTOR_INSPECT(get_stats)

/// How a broadcast ended.
struct broadcast_result {
  uint64_t sent = 0;
  uint64_t failed = 0;
};
PIPEACTOR_INSPECT(broadcast_result, sent, failed)

// -- requests to a connection -----------------------------------------------------------------

/// Sends `data` to the peer. As a request it is also answered to the requester: with
/// nothing when the operating system took it, else with the error.
struct async_write {
  payload data;
  pipeactor::cookie cookie;
};
PIPEACTOR_INSPECT(async_write, data, cookie)

/// Reads one message. As a request it is also answered with the message's `payload`.
struct async_read {
  pipeactor::cookie cookie;
};
PIPEACTOR_INSPECT(async_read, cookie)

/// Closes the pipe. As a request it is answered (with nothing) when it is closed.
struct async_close {};
PIPEACTOR_INSPECT(async_close)

/// Takes no more writes, and closes the pipe when those before are sent or `deadline` has
/// passed; what the peer sends meanwhile is still received. As a request it is answered
/// (with nothing) when the pipe is closed.
struct close_after_drain {
  caf::timespan deadline = defaults::drain_timeout;
};
PIPEACTOR_INSPECT(close_after_drain, deadline)

// -- requests to a client manager -------------------------------------------------------------

/// Opens a connection. Answered with its `named_pipe_connection` at once; `connected` or
/// `connect_failed` follows.
struct connect {
  /// As for servers: a leaf name, or on Linux an absolute path.
  std::string pipe_name;
  /// How long to try while the server is busy. A pipe that is not there fails at once.
  caf::timespan timeout = defaults::connect_timeout;
};
PIPEACTOR_INSPECT(connect, pipe_name, timeout)

/// Looks for live servers, without connecting to any. Answered with
/// `std::vector<std::string>`: the leaf names that match, sorted.
struct find_named_pipes {
  /// `*` stands for any number of characters, `?` for one.
  std::string pattern = "*";
};
PIPEACTOR_INSPECT(find_named_pipes, pattern)

} // namespace pipeactor
