#pragma once

#include <cstdint>

namespace pipeactor::port {

/// How far the end of a pipe or of a listener has got. It only moves down this list.
enum class life_state : uint8_t {
  open,
  /// The end was asked for: nothing new is begun.
  closing,
  /// Outstanding operations were cancelled, and not all of their completions have come back.
  cancelled,
};

} // namespace pipeactor::port
