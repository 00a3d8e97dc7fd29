#pragma once

#include "codec/protocol_error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pipehub::mqtt {

/// A packet whose end has arrived, not decoded yet.
struct frame {
  uint8_t first = 0;
  /// What follows the remaining length.
  std::string_view body;
};

/// Cuts the bytes of a stream into packets. A packet that arrives within one chunk is not copied.
/// Type, flags and length are checked before the rest of a packet has arrived.
class frame_reader {
public:
  /// @param sender the end that sends the packets
  /// @param largest the longest packet in bytes, its first byte included
  frame_reader(side sender, size_t largest) noexcept : sender_(sender), largest_(largest) {}

  /// Sets the version whose rules hold from now on. At first those of 5.0 hold.
  void protocol(version value) noexcept {
    protocol_ = value;
  }

  /// Takes the next chunk, which must live until `next` has returned nothing. Not before that.
  void feed(std::string_view chunk) noexcept {
    chunk_ = chunk;
  }

  /// Returns the next packet, which is valid until the next call. Nothing: the rest has not arrived
  /// yet, or there was an error.
  std::optional<frame> next();

  /// Returns the fault that ended reading.
  const std::optional<protocol_error>& error() const noexcept {
    return error_;
  }

  /// Returns whether a packet has begun and not ended.
  bool in_packet() const noexcept {
    return !partial_.empty() && !partial_is_old_;
  }

private:
  /// The length of a packet's beginning, and of the whole; 0: not known yet.
  struct extent {
    size_t head = 0;
    size_t total = 0;
  };

  extent measure(std::string_view bytes);
  std::optional<frame> next_partial();
  void fail(reason code, const char* paragraph, const char* text);

  side sender_;
  size_t largest_;
  version protocol_ = version::v5;
  std::string_view chunk_;
  /// The beginning of a packet whose rest is in later chunks.
  std::string partial_;
  bool partial_is_old_ = false;
  std::optional<protocol_error> error_;
};

} // namespace pipehub::mqtt
