#include "codec/byte_cursor.hpp"

#include "codec/utf8.hpp"

namespace pipehub::mqtt {

std::string_view byte_cursor::take(size_t size) {
  if (size > rest_.size()) {
    fail(reason::malformed_packet, "1.5", "the packet ends in the middle of a field");
    return {};
  }
  auto result = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return result;
}

uint8_t byte_cursor::byte() {
  auto bytes = take(1);
  return bytes.empty() ? uint8_t{0} : static_cast<uint8_t>(bytes[0]);
}

uint16_t byte_cursor::two_bytes() {
  auto high = byte();
  return static_cast<uint16_t>(high << 8 | byte());
}

uint32_t byte_cursor::four_bytes() {
  auto high = two_bytes();
  return static_cast<uint32_t>(high) << 16 | two_bytes();
}

uint32_t byte_cursor::varint() {
  uint32_t value = 0;
  for (unsigned shift = 0; shift < 28; shift += 7) {
    auto next = byte();
    value |= static_cast<uint32_t>(next & 0x7FU) << shift;
    if ((next & 0x80U) == 0) {
      require(next != 0 || shift == 0, reason::malformed_packet, "MQTT-1.5.5-1",
              "a variable byte integer is longer than it must be");
      return value;
    }
  }
  fail(reason::malformed_packet, "1.5.5", "a variable byte integer has more than four bytes");
  return 0;
}

std::string_view byte_cursor::binary() {
  return take(two_bytes());
}

std::string_view byte_cursor::text(const char* paragraph) {
  auto result = binary();
  switch (check_utf8(result)) {
  case utf8_fault::none:
    break;
  case utf8_fault::ill_formed:
    fail(reason::malformed_packet,
         paragraph != nullptr ? paragraph : by_version("MQTT-1.5.3-1", "MQTT-1.5.4-1"),
         "a string is not well-formed UTF-8");
    break;
  case utf8_fault::null_character:
    fail(reason::malformed_packet, by_version("MQTT-1.5.3-2", "MQTT-1.5.4-2"),
         "a string has a null character in it");
    break;
  }
  return ok() ? result : std::string_view{};
}

void byte_cursor::end(const char* paragraph) {
  require(at_end(), reason::malformed_packet, paragraph,
          "something follows the packet's last field");
}

} // namespace pipehub::mqtt
