#pragma once

#include "pipeactor/caf.hpp"

#include <windows.h>

#include <string>

namespace pipeactor::port {

/// Translates GetLastError() to an error of ours: the only place that does, for all that the
/// Windows port calls. `what` says what was tried, e.g. "cannot connect to \\.\pipe\x".
caf::error windows_error(DWORD code, const std::string& what);

/// Returns whether an error of ReadFile or WriteFile says that the peer closed the pipe.
bool is_end_of_pipe(DWORD code) noexcept;

} // namespace pipeactor::port
