#pragma once

#include "codec/types.hpp"

#include <string_view>

namespace pipehub::mqtt {

// Each function appends a field to `out`.

inline void put_byte(buffer& out, uint8_t value) {
  out.push_back(std::byte{value});
}

inline void put_two_bytes(buffer& out, uint16_t value) {
  put_byte(out, static_cast<uint8_t>(value >> 8));
  put_byte(out, static_cast<uint8_t>(value));
}

inline void put_four_bytes(buffer& out, uint32_t value) {
  put_two_bytes(out, static_cast<uint16_t>(value >> 16));
  put_two_bytes(out, static_cast<uint16_t>(value));
}

/// @param value at most `largest_varint`
inline void put_varint(buffer& out, uint32_t value) {
  while (value >= 0x80) {
    put_byte(out, static_cast<uint8_t>(value | 0x80U));
    value >>= 7;
  }
  put_byte(out, static_cast<uint8_t>(value));
}

inline void put_bytes(buffer& out, std::string_view bytes) {
  auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  out.insert(out.end(), begin, begin + bytes.size());
}

/// String or binary data.
/// @param text at most `longest_text` bytes
inline void put_text(buffer& out, std::string_view text) {
  put_two_bytes(out, static_cast<uint16_t>(text.size()));
  put_bytes(out, text);
}

/// Returns how many bytes `put_varint` appends.
constexpr size_t varint_size(uint32_t value) {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;
}

} // namespace pipehub::mqtt
