#pragma once

#include <cstdint>

namespace pipeactor {

/// A descriptor (Linux) or HANDLE (Windows) as a number; -1 is none.
using native_handle_type = intptr_t;

constexpr native_handle_type invalid_native_handle = -1;

} // namespace pipeactor
