#pragma once

#include "codec/byte_cursor.hpp"

#include <optional>
#include <string_view>

namespace pipehub::mqtt {

/// Properties of 5.0 (2.2.2.2): X(name, id, type, packets). The packets in which a property may be
/// are bits of `property_place`.
#define PIPEHUB_PROPERTIES(X)                                                                      \
  X(payload_format_indicator, 0x01, flag, in_publish | in_will)                                    \
  X(message_expiry_interval, 0x02, four_bytes, in_publish | in_will)                               \
  X(content_type, 0x03, text, in_publish | in_will)                                                \
  X(response_topic, 0x08, text, in_publish | in_will)                                              \
  X(correlation_data, 0x09, binary, in_publish | in_will)                                          \
  X(subscription_identifier, 0x0B, varint, in_publish | in_subscribe)                              \
  X(session_expiry_interval, 0x11, four_bytes, in_connect | in_connack | in_disconnect)            \
  X(assigned_client_identifier, 0x12, text, in_connack)                                            \
  X(server_keep_alive, 0x13, two_bytes, in_connack)                                                \
  X(authentication_method, 0x15, text, in_connect | in_connack | in_auth)                          \
  X(authentication_data, 0x16, binary, in_connect | in_connack | in_auth)                          \
  X(request_problem_information, 0x17, flag, in_connect)                                           \
  X(will_delay_interval, 0x18, four_bytes, in_will)                                                \
  X(request_response_information, 0x19, flag, in_connect)                                          \
  X(response_information, 0x1A, text, in_connack)                                                  \
  X(server_reference, 0x1C, text, in_connack | in_disconnect)                                      \
  X(reason_string, 0x1F, text, in_connack | in_answer | in_disconnect | in_auth)                   \
  X(receive_maximum, 0x21, two_bytes, in_connect | in_connack)                                     \
  X(topic_alias_maximum, 0x22, two_bytes, in_connect | in_connack)                                 \
  X(topic_alias, 0x23, two_bytes, in_publish)                                                      \
  X(maximum_qos, 0x24, flag, in_connack)                                                           \
  X(retain_available, 0x25, flag, in_connack)                                                      \
  X(user_property, 0x26, pair, in_any)                                                             \
  X(maximum_packet_size, 0x27, four_bytes, in_connect | in_connack)                                \
  X(wildcard_subscription_available, 0x28, flag, in_connack)                                       \
  X(subscription_identifier_available, 0x29, flag, in_connack)                                     \
  X(shared_subscription_available, 0x2A, flag, in_connack)

enum class property_id : uint8_t {
#define PIPEHUB_DECLARE_PROPERTY(name, id, type, packets) name = id,
  PIPEHUB_PROPERTIES(PIPEHUB_DECLARE_PROPERTY)
#undef PIPEHUB_DECLARE_PROPERTY
};

/// The packets with properties. `in_answer`: PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK.
enum property_place : uint16_t {
  in_connect = 1,
  in_connack = 2,
  in_publish = 4,
  in_will = 8,
  in_answer = 16,
  in_subscribe = 32,
  in_unsubscribe = 64,
  in_disconnect = 128,
  in_auth = 256,
  in_any = 511,
};

/// One property. Which fields are set depends on its type.
struct property {
  property_id id{};
  uint32_t number = 0;
  /// String or binary data; of a user property the name.
  std::string_view text;
  /// Of a user property.
  std::string_view value;
};

/// The properties of a packet: a view of their bytes, which `decode` has checked.
class properties {
public:
  properties() noexcept = default;

  /// Wraps checked bytes, without the length in front of them.
  explicit properties(std::string_view raw) noexcept : raw_(raw) {}

  /// Reads the length and the properties of a packet.
  static properties read(byte_cursor& from, property_place place);

  std::string_view raw() const noexcept {
    return raw_;
  }

  bool empty() const noexcept {
    return raw_.empty();
  }

  /// Calls `f` with each property, in order.
  template <class F>
  void for_each(F f) const {
    auto rest = raw_;
    for (property next; take(rest, next);)
      f(next);
  }

  /// Returns the first property of this id.
  std::optional<property> find(property_id id) const;

  std::optional<uint32_t> number(property_id id) const;
  std::optional<std::string_view> text(property_id id) const;

private:
  static bool take(std::string_view& rest, property& next);

  std::string_view raw_;
};

/// Makes the bytes of properties.
class property_builder {
public:
  /// Appends a number, in as many bytes as the property's type has.
  property_builder& add(property_id id, uint32_t number);

  /// Appends a string or binary data. What is longer than 65535 bytes is cut.
  property_builder& add(property_id id, std::string_view text);

  property_builder& add_user(std::string_view name, std::string_view value);

  /// Appends the bytes of properties that exist already.
  property_builder& add(properties others);

  /// Returns a view of what was built, which is valid until the next change.
  properties view() const noexcept {
    return properties{{reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}};
  }

  size_t size() const noexcept {
    return bytes_.size();
  }

private:
  buffer bytes_;
};

} // namespace pipehub::mqtt
