#pragma once

// The messages that servers, connections and client managers handle. Send them, or `request` them
// to get the answer. See message_list.hpp and messages.hpp.

#include "pipeactor/caf.hpp"
#include "pipeactor/cookie.hpp"
#include "pipeactor/defaults.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/type_ids.hpp"

#include <cstdint>
#include <string>

namespace pipeactor {

// -- requests to a server ---------------------------------------------------------------------

/// Publishes the pipe name. The answer is `server_ready`, even if the server runs already, or an
/// error.
struct start {};
PIPEACTOR_INSPECT(start)

/// Closes all connections; a server also gives its pipe name back. The answer, which is empty,
/// comes when the name is free and the last `client_disconnected` or `disconnected` was sent. It
/// comes even if there is nothing to stop.
struct stop {};
PIPEACTOR_INSPECT(stop)

/// Writes `data` to every connected client, without a copy per client. The answer is
/// `broadcast_result`, when the write to every recipient has ended.
struct async_broadcast {
  payload data;
  pipeactor::cookie cookie;
};
PIPEACTOR_INSPECT(async_broadcast, data, cookie)

/// The answer is `std::vector<named_pipe_connection>`: the connected clients, in no order.
struct get_connections {};
PIPEACTOR_INSPECT(get_connections)

/// The answer of a server or client manager is `statistics`, that of a connection
/// `connection_stats`.
struct get_stats {};
PIPEACTOR_INSPECT(get_stats)

/// The outcome of a broadcast.
struct broadcast_result {
  /// Recipients whose write the operating system took.
  uint64_t sent = 0;
  /// Recipients whose write failed.
  uint64_t failed = 0;
};
PIPEACTOR_INSPECT(broadcast_result, sent, failed)

// -- requests to a connection -----------------------------------------------------------------

/// Writes `data` to the pipe. Besides the event, the requester gets an answer: an empty one when
/// the operating system took the message, else the error.
struct async_write {
  payload data;
  pipeactor::cookie cookie;
};
PIPEACTOR_INSPECT(async_write, data, cookie)

/// Reads one message; needed only if `continuously_read` is false. Besides the event, the requester
/// gets the message's `payload`, or the error.
struct async_read {
  pipeactor::cookie cookie;
};
PIPEACTOR_INSPECT(async_read, cookie)

/// Cancels all outstanding operations and closes the pipe. The answer, which is empty, comes when
/// the pipe is closed.
struct async_close {};
PIPEACTOR_INSPECT(async_close)

/// Refuses further writes, and closes the pipe when earlier ones are sent. What the peer sends
/// meanwhile is still received. The answer, which is empty, comes when the pipe is closed.
struct close_after_drain {
  /// After this time the pipe is closed with whatever is left.
  caf::timespan deadline = defaults::drain_timeout;
};
PIPEACTOR_INSPECT(close_after_drain, deadline)

// -- requests to a client manager -------------------------------------------------------------

/// Opens a connection. The answer is its `named_pipe_connection`, at once; the event `connected` or
/// `connect_failed` follows.
struct connect {
  /// The name as for servers: a leaf name, or on Linux an absolute path.
  std::string pipe_name;
  /// How long to keep trying while the server is busy. If no server listens on the name, the
  /// connection fails at once.
  caf::timespan timeout = defaults::connect_timeout;
};
PIPEACTOR_INSPECT(connect, pipe_name, timeout)

/// Finds running servers, without connecting to any. The answer is `std::vector<std::string>`: the
/// leaf names that match, sorted; or `errc::not_supported` if the system does not list its pipes
/// (Wine).
struct find_named_pipes {
  /// `*` stands for any number of characters, `?` for one.
  std::string pattern = "*";
};
PIPEACTOR_INSPECT(find_named_pipes, pattern)

} // namespace pipeactor
