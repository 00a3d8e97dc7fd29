#pragma once

#include "pipeactor/export.hpp"

#include <cstdint>
#include <string>

namespace pipeactor {

/// Why `message_loop::enter_message_loop` returned.
enum class loop_end : uint8_t {
  /// `leave_message_loop` was called.
  left,
  /// The timeout has passed.
  timed_out,
  /// Another thread is in the loop, or the caller is one of its callbacks. Nothing was done.
  already_entered,
};

/// Returns the name, e.g. "timed_out".
PIPEACTOR_EXPORT std::string to_string(loop_end end);

} // namespace pipeactor
