#include "codec/utf8.hpp"

#include <cstddef>

namespace pipehub::mqtt {

namespace {

/// Returns the length of the sequence at the beginning of `text`, or 0 if it is not well-formed:
/// table 3-7 of the Unicode standard, which RFC 3629 restates.
size_t sequence_length(std::string_view text) {
  auto byte = [text](size_t index) -> unsigned {
    return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
  };
  auto is_tail = [byte](size_t index) { return (byte(index) & 0xC0U) == 0x80; };
  auto first = byte(0);
  if (first < 0x80)
    return 1;
  if (first >= 0xC2 && first <= 0xDF)
    return is_tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    auto lowest = first == 0xE0 ? 0xA0U : 0x80U;
    auto highest = first == 0xED ? 0x9FU : 0xBFU;
    return byte(1) >= lowest && byte(1) <= highest && is_tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    auto lowest = first == 0xF0 ? 0x90U : 0x80U;
    auto highest = first == 0xF4 ? 0x8FU : 0xBFU;
    return byte(1) >= lowest && byte(1) <= highest && is_tail(2) && is_tail(3) ? 4 : 0;
  }
  return 0;
}

} // namespace

utf8_fault check_utf8(std::string_view text) {
  while (!text.empty()) {
    if (text.front() == '\0')
      return utf8_fault::null_character;
    auto length = sequence_length(text);
    if (length == 0)
      return utf8_fault::ill_formed;
    text.remove_prefix(length);
  }
  return utf8_fault::none;
}

} // namespace pipehub::mqtt
