#include "codec/frame_reader.hpp"

#include "codec/decode.hpp"

#include <algorithm>

namespace pipehub::mqtt {

namespace {

constexpr size_t longest_head = 5;
/// What a packet that was kept together may leave allocated.
constexpr size_t kept_capacity = 4096;

} // namespace

void frame_reader::fail(reason code, const char* paragraph, const char* text) {
  error_ = protocol_error{code, paragraph, text};
}

frame_reader::extent frame_reader::measure(std::string_view bytes) {
  if (bytes.empty())
    return {};
  if ((error_ = check_first_byte(static_cast<uint8_t>(bytes[0]), protocol_, sender_)))
    return {};
  size_t length = 0;
  for (size_t index = 1; index < std::min(bytes.size(), longest_head); ++index) {
    auto byte = static_cast<uint8_t>(bytes[index]);
    length |= static_cast<size_t>(byte & 0x7FU) << 7 * (index - 1);
    if ((byte & 0x80U) != 0)
      continue;
    if (byte == 0 && index > 1 && protocol_ == version::v5)
      fail(reason::malformed_packet, "MQTT-1.5.5-1",
           "a remaining length is longer than it must be");
    else if (index + 1 + length > largest_)
      fail(reason::packet_too_large, protocol_ == version::v5 ? "3.2.2.3.6" : "2.2.3",
           "a packet is longer than this end takes");
    else
      return {index + 1, index + 1 + length};
    return {};
  }
  if (bytes.size() >= longest_head)
    fail(reason::malformed_packet, protocol_ == version::v5 ? "1.5.5" : "2.2.3",
         "a remaining length has more than four bytes");
  return {};
}

std::optional<frame> frame_reader::next() {
  if (error_)
    return {};
  if (partial_is_old_) {
    partial_.clear();
    if (partial_.capacity() > kept_capacity)
      std::string{}.swap(partial_);
    partial_is_old_ = false;
  }
  if (!partial_.empty())
    return next_partial();
  auto size = measure(chunk_);
  if (error_)
    return {};
  if (size.total == 0 || size.total > chunk_.size()) {
    partial_ = chunk_;
    chunk_ = {};
    return {};
  }
  frame result{static_cast<uint8_t>(chunk_[0]), chunk_.substr(size.head, size.total - size.head)};
  chunk_.remove_prefix(size.total);
  return result;
}

std::optional<frame> frame_reader::next_partial() {
  auto take = [this](size_t count) {
    count = std::min(count, chunk_.size());
    partial_.append(chunk_, 0, count);
    chunk_.remove_prefix(count);
  };
  auto size = measure(partial_);
  while (!error_ && size.total == 0 && !chunk_.empty()) {
    take(1);
    size = measure(partial_);
  }
  if (error_ || size.total == 0)
    return {};
  take(size.total - partial_.size());
  if (partial_.size() < size.total)
    return {};
  partial_is_old_ = true;
  return frame{static_cast<uint8_t>(partial_[0]), std::string_view{partial_}.substr(size.head)};
}

} // namespace pipehub::mqtt
