#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pipeactor {

/// All error codes: X(name, general text). Add a new one at the end: the values of the others must
/// not change, because they travel between machines inside `caf::error`.
#define PIPEACTOR_ERROR_CODES(X)                                                                   \
  X(none, "no error")                                                                              \
  /* -- why a connection ended */                                                                  \
  X(closed_by_us, "the connection was closed on this side")                                        \
  X(closed_by_peer, "the peer closed the connection")                                              \
  X(peer_reset, "the peer closed the connection without reading all that was sent to it")          \
  X(message_too_large,                                                                             \
    "the message is longer than max_message_size allows: send shorter ones, or raise it")          \
  X(queue_full, "the peer does not read and the write queue is full: write less, or raise "        \
                "write_queue_bytes and write_queue_messages")                                      \
  X(access_denied, "access to the pipe is denied: its server must admit this user")                \
  X(handler_failed, "a handler of the session threw an exception or reported an error")            \
  /* -- why an operation failed */                                                                 \
  X(operation_aborted, "the connection was closed before the operation ended")                     \
  X(not_connected, "the connection is closed: open a new one")                                     \
  X(not_local, "the connection belongs to another node: ask it by message")                        \
  X(timed_out, "the operation did not end in time: try again, or allow more time")                 \
  X(cookie_not_portable,                                                                           \
    "a cookie that comes from another node must be bytes: use cookie::of(payload)")                \
  /* -- why a server or client could not begin */                                                  \
  X(missing_pipe_name, "cannot start without specifying a pipe name")                              \
  X(invalid_pipe_name, "the system does not take such a pipe name: choose another one")            \
  X(pipe_name_too_long, "the pipe name is too long for the system: choose a shorter one")          \
  X(pipe_in_use, "another server has this pipe name: stop it, or choose another name")             \
  X(no_such_pipe, "no server listens on this pipe name: start the server first")                   \
  X(pipe_busy, "too many clients wait for the server: try again")                                  \
  X(not_a_pipe, "it exists and is not a pipe of this mode (message or byte): choose the other "    \
                "mode, or another name")                                                           \
  X(unsafe_directory,                                                                              \
    "other users could misuse the directory of the pipe: mend its owner and rights")               \
  X(invalid_option, "an option is out of range: see the documentation of the options")             \
  X(not_supported, "this platform does not support the operation")                                 \
  X(out_of_resources, "the system has no resources left for this: free some, or raise its limits") \
  X(shutting_down, "the context is shutting down")                                                 \
  /* -- anything else that the operating system reported */                                        \
  X(os_error, "the operating system reported an error")                                            \
  /* -- wrong use */                                                                               \
  X(would_block, "the call would wait for its own thread: send a message instead")                 \
  /* -- why a client was refused, see also access_denied */                                        \
  X(too_many_connections, "the user has as many connections as the server allows: close one, or "  \
                          "raise connections_per_user")

/// Why an operation failed or a connection ended. The values are stable.
enum class errc : uint8_t {
#define PIPEACTOR_DECLARE_CODE(name, text) name,
  PIPEACTOR_ERROR_CODES(PIPEACTOR_DECLARE_CODE)
#undef PIPEACTOR_DECLARE_CODE
};

/// Returns the code's name, e.g. "pipe_in_use".
PIPEACTOR_EXPORT std::string to_string(errc code);

/// Returns the code's general text, e.g. "too many clients wait for the server: try again".
PIPEACTOR_EXPORT std::string describe(errc code);

/// Returns an error with a text of its own, which should say what happened, to what, and what to
/// do.
/// @param os_code the value of `errno` or `GetLastError()` that caused it, or 0
PIPEACTOR_EXPORT caf::error make_error(errc code, std::string text, int os_code);

/// @copydoc make_error
PIPEACTOR_EXPORT caf::error make_error(errc code, std::string text);

/// Returns an error with the code's general text.
PIPEACTOR_EXPORT caf::error make_error(errc code);

/// Returns the code of an error of this library, `errc::none` for no error, and `errc::os_error`
/// for errors of other libraries.
PIPEACTOR_EXPORT errc code_of(const caf::error& err);

/// Returns the operating system's code that caused `err`, or 0.
PIPEACTOR_EXPORT int os_code_of(const caf::error& err);

/// Returns a line for people: "code: text", and the operating system's text and code if it caused
/// the error. Works for errors of CAF, too.
PIPEACTOR_EXPORT std::string describe(const caf::error& err);

} // namespace pipeactor

PIPEACTOR_ERROR_CATEGORY(pipeactor::errc, "pipeactor")
