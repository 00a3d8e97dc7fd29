#pragma once

#include "codec/properties.hpp"
#include "codec/types.hpp"

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

/// The packets (chapter 3). Strings, properties and payloads are views of the bytes that were
/// decoded or that will be encoded. Properties are those of 5.0, and empty in 3.1.1.
namespace pipehub::mqtt {

struct will {
  uint8_t qos = 0;
  bool retain = false;
  mqtt::properties properties;
  std::string_view topic;
  std::string_view payload;
};

struct connect {
  version protocol = version::v5;
  /// Clean Session in 3.1.1.
  bool clean_start = false;
  /// Seconds; 0: off.
  uint16_t keep_alive = 0;
  mqtt::properties properties;
  std::string_view client_id;
  std::optional<mqtt::will> will;
  std::optional<std::string_view> user_name;
  std::optional<std::string_view> password;
};

struct connack {
  bool session_present = false;
  /// A `reason`; in 3.1.1 a `connect_return`.
  uint8_t code = 0;
  mqtt::properties properties;
};

struct publish {
  bool dup = false;
  uint8_t qos = 0;
  bool retain = false;
  std::string_view topic;
  /// 0 if the QoS is 0.
  uint16_t packet_id = 0;
  mqtt::properties properties;
  std::string_view payload;
};

/// PUBACK, PUBREC, PUBREL or PUBCOMP.
struct answer {
  packet_type type = packet_type::puback;
  uint16_t packet_id = 0;
  reason code = reason::success;
  mqtt::properties properties;
};

struct subscription {
  std::string_view filter;
  uint8_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  /// 0: send retained messages; 1: only if the subscription is new; 2: do not.
  uint8_t retain_handling = 0;
};

struct subscribe {
  uint16_t packet_id = 0;
  mqtt::properties properties;
  std::vector<subscription> subscriptions;
};

struct suback {
  uint16_t packet_id = 0;
  mqtt::properties properties;
  /// One for each subscription, in its order.
  std::vector<reason> codes;
};

struct unsubscribe {
  uint16_t packet_id = 0;
  mqtt::properties properties;
  std::vector<std::string_view> filters;
};

struct unsuback {
  uint16_t packet_id = 0;
  mqtt::properties properties;
  /// One for each filter, in its order; none in 3.1.1.
  std::vector<reason> codes;
};

struct pingreq {};
struct pingresp {};

struct disconnect {
  reason code = reason::success;
  mqtt::properties properties;
};

struct auth {
  reason code = reason::success;
  mqtt::properties properties;
};

using packet = std::variant<pingreq, pingresp, connect, connack, publish, answer, subscribe, suback,
                            unsubscribe, unsuback, disconnect, auth>;

} // namespace pipehub::mqtt
