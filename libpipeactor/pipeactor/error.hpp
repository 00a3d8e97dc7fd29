#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pipeactor {

/// Why an operation failed or a connection ended. Values are stable: they cross
/// machines inside `caf::error`.
enum class errc : uint8_t {
  none = 0,
  // -- why a connection ended
  closed_by_us,
  closed_by_peer,
  peer_reset,
  message_too_large,
  queue_full,
  access_denied,
  handler_failed,
  // -- why an operation failed
  operation_aborted,
  not_connected,
  not_local,
  timed_out,
  // -- why a server or client could not begin
  missing_pipe_name,
  invalid_pipe_name,
  pipe_name_too_long,
  pipe_in_use,
  no_such_pipe,
  pipe_busy,
  not_a_pipe,
  unsafe_directory,
  invalid_option,
  not_supported,
  out_of_resources,
  shutting_down,
  // -- anything else the operating system reported
  os_error,
  // -- why a request to another node was not made
  cookie_not_portable,
};

/// Returns the code's name, e.g. "pipe_in_use".
PIPEACTOR_EXPORT std::string to_string(errc code);

/// Returns an error with a text that says what happened and what to do.
/// @param os_code `errno` or `GetLastError()` where one caused it, else 0.
PIPEACTOR_EXPORT caf::error make_error(errc code, std::string text, int os_code);

/// @copydoc make_error
PIPEACTOR_EXPORT caf::error make_error(errc code, std::string text);

/// Returns an error with the code's general text.
PIPEACTOR_EXPORT caf::error make_error(errc code);

/// Returns the code of an error of ours, `errc::none` for no error, and
/// `errc::os_error` for errors of other libraries.
PIPEACTOR_EXPORT errc code_of(const caf::error& err);

/// Returns the operating system's code that caused `err`, or 0.
PIPEACTOR_EXPORT int os_code_of(const caf::error& err);

/// Returns "code: text" for people, with the operating system's code and text
/// where there is one. Works for errors of CAF too.
PIPEACTOR_EXPORT std::string describe(const caf::error& err);

} // namespace pipeactor

PIPEACTOR_ERROR_CATEGORY(pipeactor::errc, "pipeactor")
