#pragma once

#include <cstdint>

namespace pipeactor {

/// The operating system's handle of a pipe as a number: a file descriptor on Linux, a HANDLE on
/// Windows.
using native_handle_type = intptr_t;

/// No handle.
constexpr native_handle_type invalid_native_handle = -1;

} // namespace pipeactor
