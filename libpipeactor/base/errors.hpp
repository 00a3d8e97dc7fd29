#pragma once

// The errors that several places report, each worded once. A text says what happened, to what, and
// what to do about it. An error that only one place reports is worded there.

#include "pipeactor/error.hpp"

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>

namespace pipeactor::errors {

// -- anything that was tried ------------------------------------------------------------------

/// Returns "`what`: `advice`", e.g. "cannot connect to /tmp/x: it is not a socket". Without an
/// advice the general text of `code` takes its place.
caf::error failed(errc code, std::string_view what, int os_code = 0, std::string_view advice = {});

/// `who`, an actor of the library, could not handle a message: `thrown` says why. Is logged, too.
caf::error request_threw(std::string_view who, std::exception_ptr thrown);

/// A function that waits for an answer was called inside a handler on a bridge.
caf::error must_not_wait_here();

/// A request was made with an empty handle.
caf::error empty_handle();

// -- messages ---------------------------------------------------------------------------------

/// The peer sent a message of `size` bytes, more than `max_message_size`.
caf::error received_too_large(size_t size, size_t limit);

/// A message of `size` bytes was to be written, and `limit` are possible.
caf::error write_too_large(size_t size, size_t limit);

/// A write of `size` bytes would exceed `context_options::memory_limit`.
caf::error memory_limit_reached(size_t size, size_t limit);

/// No memory was left for a received message of `size` bytes.
caf::error no_memory_for_message(size_t size);

/// The peer closed the connection: `errc::peer_reset` if it left something unread, else
/// `errc::closed_by_peer`.
caf::error closed_by_peer(bool left_unread);

// -- options ----------------------------------------------------------------------------------

caf::error option_out_of_range(std::string_view name, size_t value, size_t least, size_t most);

/// `max_message_size` is `size`, and the system sends at most `granted` bytes at once.
caf::error message_size_not_granted(size_t size, size_t granted, std::string_view advice);

/// A user or group of `pipe_access` (`kind` says which) is not known.
caf::error no_such_principal(std::string_view kind, std::string_view name, std::string_view advice);

/// The port is one of another operating system, `home`.
caf::error port_not_here(std::string_view port, std::string_view home);

/// `port_kind::simulated` was asked for without a network.
caf::error simulated_port_without_network();

// -- names ------------------------------------------------------------------------------------

/// @param flaw e.g. "has a slash"
caf::error invalid_pipe_name(std::string_view flaw);

caf::error pipe_name_too_long(std::string_view path, size_t limit);

/// The pipe at `address` is one of messages, and bytes were asked for, or the other way round.
caf::error other_pipe_mode(std::string_view address);

/// A file or directory is not safe to use.
/// @param why continues the sentence "`path` ...": the reason, and the remedy
caf::error unsafe_file(std::string_view path, std::string_view why);

// -- access -----------------------------------------------------------------------------------

/// `server_options::access` does not admit the client.
caf::error client_not_admitted(std::string_view client);

/// The client's user has as many connections as `server_options::connections_per_user` allows.
caf::error too_many_connections(std::string_view client);

/// `client_options::trusted_servers` does not admit the server.
caf::error server_not_trusted(std::string_view pipe_name, std::string_view server);

} // namespace pipeactor::errors
