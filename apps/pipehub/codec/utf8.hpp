#pragma once

#include <cstdint>
#include <string_view>

namespace pipehub::mqtt {

enum class utf8_fault : uint8_t {
  none,
  /// Not well-formed (RFC 3629), or a surrogate.
  ill_formed,
  /// U+0000.
  null_character,
};

/// Checks the bytes of a string (1.5.3; 1.5.4 in 5.0).
utf8_fault check_utf8(std::string_view text);

} // namespace pipehub::mqtt
