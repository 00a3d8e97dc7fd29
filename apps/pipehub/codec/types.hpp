#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

/// MQTT 3.1.1 and 5.0 (OASIS): packets and their bytes. Paragraphs are those of the standards:
/// "MQTT-3.1.2-3" is a conformance statement, "3.1.2.11.3" a section.
namespace pipehub::mqtt {

using buffer = std::vector<std::byte>;

/// The protocol level in CONNECT (3.1.2.2).
enum class version : uint8_t { v311 = 4, v5 = 5 };

/// The end of a connection that sent a packet.
enum class side : uint8_t { client, server };

/// 2.2.1; 2.1.2 in 5.0.
enum class packet_type : uint8_t {
  connect = 1,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  pingreq,
  pingresp,
  disconnect,
  auth,
};

/// The largest remaining length, and the largest variable byte integer (1.5.5).
constexpr uint32_t largest_varint = 268435455;
/// The longest string or binary data (1.5.4, 1.5.6).
constexpr size_t longest_text = 65535;

/// Reason codes of 5.0 (2.4): X(name, value, text). `granted_qos_0` and `normal_disconnection` have
/// the value of `success`.
#define PIPEHUB_REASONS(X)                                                                         \
  X(success, 0x00, "success")                                                                      \
  X(granted_qos_1, 0x01, "granted QoS 1")                                                          \
  X(granted_qos_2, 0x02, "granted QoS 2")                                                          \
  X(disconnect_with_will, 0x04, "disconnect with will message")                                    \
  X(no_matching_subscribers, 0x10, "no matching subscribers")                                      \
  X(no_subscription_existed, 0x11, "no subscription existed")                                      \
  X(continue_authentication, 0x18, "continue authentication")                                      \
  X(reauthenticate, 0x19, "re-authenticate")                                                       \
  X(unspecified_error, 0x80, "unspecified error")                                                  \
  X(malformed_packet, 0x81, "malformed packet")                                                    \
  X(protocol_error, 0x82, "protocol error")                                                        \
  X(implementation_specific_error, 0x83, "implementation specific error")                          \
  X(unsupported_protocol_version, 0x84, "unsupported protocol version")                            \
  X(client_identifier_not_valid, 0x85, "client identifier not valid")                              \
  X(bad_user_name_or_password, 0x86, "bad user name or password")                                  \
  X(not_authorized, 0x87, "not authorized")                                                        \
  X(server_unavailable, 0x88, "server unavailable")                                                \
  X(server_busy, 0x89, "server busy")                                                              \
  X(banned, 0x8A, "banned")                                                                        \
  X(server_shutting_down, 0x8B, "server shutting down")                                            \
  X(bad_authentication_method, 0x8C, "bad authentication method")                                  \
  X(keep_alive_timeout, 0x8D, "keep alive timeout")                                                \
  X(session_taken_over, 0x8E, "session taken over")                                                \
  X(topic_filter_invalid, 0x8F, "topic filter invalid")                                            \
  X(topic_name_invalid, 0x90, "topic name invalid")                                                \
  X(packet_identifier_in_use, 0x91, "packet identifier in use")                                    \
  X(packet_identifier_not_found, 0x92, "packet identifier not found")                              \
  X(receive_maximum_exceeded, 0x93, "receive maximum exceeded")                                    \
  X(topic_alias_invalid, 0x94, "topic alias invalid")                                              \
  X(packet_too_large, 0x95, "packet too large")                                                    \
  X(message_rate_too_high, 0x96, "message rate too high")                                          \
  X(quota_exceeded, 0x97, "quota exceeded")                                                        \
  X(administrative_action, 0x98, "administrative action")                                          \
  X(payload_format_invalid, 0x99, "payload format invalid")                                        \
  X(retain_not_supported, 0x9A, "retain not supported")                                            \
  X(qos_not_supported, 0x9B, "QoS not supported")                                                  \
  X(use_another_server, 0x9C, "use another server")                                                \
  X(server_moved, 0x9D, "server moved")                                                            \
  X(shared_subscriptions_not_supported, 0x9E, "shared subscriptions not supported")                \
  X(connection_rate_exceeded, 0x9F, "connection rate exceeded")                                    \
  X(maximum_connect_time, 0xA0, "maximum connect time")                                            \
  X(subscription_identifiers_not_supported, 0xA1, "subscription identifiers not supported")        \
  X(wildcard_subscriptions_not_supported, 0xA2, "wildcard subscriptions not supported")

enum class reason : uint8_t {
#define PIPEHUB_DECLARE_REASON(name, value, text) name = value,
  PIPEHUB_REASONS(PIPEHUB_DECLARE_REASON)
#undef PIPEHUB_DECLARE_REASON
};

/// Returns whether a packet with this code says that something failed (2.4).
constexpr bool is_failure(reason code) {
  return static_cast<uint8_t>(code) >= 0x80;
}

/// Return codes of a CONNACK of 3.1.1 (3.2.2.3).
enum class connect_return : uint8_t {
  accepted,
  unacceptable_protocol_version,
  identifier_rejected,
  server_unavailable,
  bad_user_name_or_password,
  not_authorized,
};

} // namespace pipehub::mqtt
