#pragma once

#include "codec/packets.hpp"
#include "session/deadlines.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pipehub {

/// An application message. All its receivers share one.
class message {
public:
  /// Copies what is to be passed on. Properties about a single PUBLISH (Topic Alias, Message Expiry
  /// Interval) and about a will (Will Delay Interval) are left out.
  /// @param topic that of the packet, or of its alias
  message(std::string_view topic, const mqtt::properties& properties, std::string_view payload,
          uint8_t qos, bool retain, time_point now);

  /// The same from what a journal kept: the properties are those that are passed on.
  message(std::string_view topic, const mqtt::properties& properties, std::string_view payload,
          uint8_t qos, bool retain, std::optional<uint32_t> expiry_seconds,
          std::optional<time_point> expiry);

  std::string_view topic() const noexcept {
    return std::string_view{bytes_}.substr(0, topic_size_);
  }

  /// The properties that are passed on unaltered, and in their order.
  mqtt::properties properties() const noexcept {
    return mqtt::properties{std::string_view{bytes_}.substr(topic_size_, properties_size_)};
  }

  std::string_view payload() const noexcept {
    return std::string_view{bytes_}.substr(topic_size_ + properties_size_);
  }

  uint8_t qos() const noexcept {
    return qos_;
  }

  bool retain() const noexcept {
    return retain_;
  }

  size_t size() const noexcept {
    return bytes_.size();
  }

  /// When it expires, if it does (3.3.2.3.3).
  const std::optional<time_point>& expiry() const noexcept {
    return expiry_;
  }

  /// The Message Expiry Interval with which it was published.
  const std::optional<uint32_t>& expiry_seconds() const noexcept {
    return expiry_seconds_;
  }

  bool is_expired(time_point now) const noexcept {
    return expiry_ && *expiry_ <= now;
  }

  /// Counts the expiry from now on: a will expires after it was published.
  void begin_expiry(time_point now);

private:
  void set_bytes(std::string_view topic, const mqtt::properties& properties,
                 std::string_view payload);

  // One allocation for all bytes.
  std::string bytes_;
  size_t topic_size_ = 0;
  size_t properties_size_ = 0;
  std::optional<uint32_t> expiry_seconds_;
  std::optional<time_point> expiry_;
  uint8_t qos_ = 0;
  bool retain_ = false;
};

using message_ptr = std::shared_ptr<const message>;

} // namespace pipehub
