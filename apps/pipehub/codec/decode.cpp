#include "codec/decode.hpp"

#include "codec/decode_parts.hpp"

#include <algorithm>

namespace pipehub::mqtt {

namespace {

constexpr uint8_t set_flags = 2;

/// The paragraph about the flags of a packet, if a packet has one of its own.
const char* flags_paragraph(packet_type type, version protocol) {
  switch (type) {
  case packet_type::pubrel:
    return "MQTT-3.6.1-1";
  case packet_type::subscribe:
    return "MQTT-3.8.1-1";
  case packet_type::unsubscribe:
    return "MQTT-3.10.1-1";
  case packet_type::disconnect:
    return "MQTT-3.14.1-1";
  case packet_type::auth:
    return "MQTT-3.15.1-1";
  default:
    return protocol == version::v5 ? "MQTT-2.1.3-1" : "MQTT-2.2.2-1";
  }
}

bool is_sent_by(packet_type type, side sender, version protocol) {
  switch (type) {
  case packet_type::connect:
  case packet_type::subscribe:
  case packet_type::unsubscribe:
  case packet_type::pingreq:
    return sender == side::client;
  case packet_type::connack:
  case packet_type::suback:
  case packet_type::unsuback:
  case packet_type::pingresp:
    return sender == side::server;
  case packet_type::disconnect:
    return sender == side::client || protocol == version::v5;
  case packet_type::auth:
    return protocol == version::v5;
  default:
    return true;
  }
}

connack read_connack(byte_cursor& from) {
  connack result;
  auto flags = from.byte();
  from.require(flags <= 1, reason::malformed_packet, from.by_version("3.2.2.1", "MQTT-3.2.2-1"),
               "a reserved flag of CONNACK is set");
  result.session_present = flags == 1;
  result.code = from.byte();
  if (from.protocol() == version::v5) {
    from.require(result.code == 0 || result.code >= 0x80, reason::malformed_packet, "MQTT-3.2.2-8",
                 "the code is none of CONNACK's");
    result.properties = properties::read(from, in_connack);
  } else {
    from.require(result.code <= static_cast<uint8_t>(connect_return::not_authorized),
                 reason::malformed_packet, "3.2.2.3", "the return code is none of CONNACK's");
  }
  from.require(result.code == 0 || !result.session_present, reason::malformed_packet,
               from.by_version("MQTT-3.2.2-4", "MQTT-3.2.2-6"),
               "a refusal says that a session is present");
  from.end("3.2.3");
  return result;
}

/// Returns whether a DISCONNECT of this end may have this code (3.14.2.1).
bool is_disconnect_code(reason code, side sender) {
  constexpr reason of_both[] = {reason::success,
                                reason::unspecified_error,
                                reason::malformed_packet,
                                reason::protocol_error,
                                reason::implementation_specific_error,
                                reason::topic_name_invalid,
                                reason::receive_maximum_exceeded,
                                reason::topic_alias_invalid,
                                reason::packet_too_large,
                                reason::message_rate_too_high,
                                reason::quota_exceeded,
                                reason::administrative_action,
                                reason::payload_format_invalid};
  constexpr reason of_servers[] = {reason::not_authorized,
                                   reason::server_busy,
                                   reason::server_shutting_down,
                                   reason::keep_alive_timeout,
                                   reason::session_taken_over,
                                   reason::topic_filter_invalid,
                                   reason::retain_not_supported,
                                   reason::qos_not_supported,
                                   reason::use_another_server,
                                   reason::server_moved,
                                   reason::shared_subscriptions_not_supported,
                                   reason::connection_rate_exceeded,
                                   reason::maximum_connect_time,
                                   reason::subscription_identifiers_not_supported,
                                   reason::wildcard_subscriptions_not_supported};
  auto has = [code](auto& list) {
    return std::find(std::begin(list), std::end(list), code) != std::end(list);
  };
  return has(of_both)
         || (sender == side::client ? code == reason::disconnect_with_will : has(of_servers));
}

disconnect read_disconnect(byte_cursor& from, side sender) {
  disconnect result;
  if (from.protocol() == version::v311 || from.at_end()) {
    from.end("3.14");
    return result;
  }
  result.code = static_cast<reason>(from.byte());
  from.require(is_disconnect_code(result.code, sender), reason::protocol_error, "MQTT-3.14.2-1",
               "the reason code is none of DISCONNECT's");
  if (!from.at_end())
    result.properties = properties::read(from, in_disconnect);
  if (sender == side::server)
    from.require(!result.properties.find(property_id::session_expiry_interval),
                 reason::protocol_error, "MQTT-3.14.2-2",
                 "a server's DISCONNECT has a Session Expiry Interval");
  from.end("3.14.3");
  return result;
}

auth read_auth(byte_cursor& from, side sender) {
  auth result;
  if (!from.at_end()) {
    result.code = static_cast<reason>(from.byte());
    result.properties = properties::read(from, in_auth);
  }
  auto is_servers = result.code == reason::success && sender == side::server;
  auto is_clients = result.code == reason::reauthenticate && sender == side::client;
  from.require(is_servers || is_clients || result.code == reason::continue_authentication,
               reason::protocol_error, "MQTT-3.15.2-1", "the reason code is none of AUTH's");
  from.require(is_servers || result.properties.find(property_id::authentication_method),
               reason::protocol_error, "3.15.2.2.2", "AUTH has no Authentication Method");
  from.end("3.15.3");
  return result;
}

packet read_packet(byte_cursor& from, packet_type type, uint8_t flags, side sender) {
  switch (type) {
  case packet_type::connect:
    return read_connect(from);
  case packet_type::connack:
    return read_connack(from);
  case packet_type::publish:
    return read_publish(from, flags, sender);
  case packet_type::puback:
  case packet_type::pubrec:
  case packet_type::pubrel:
  case packet_type::pubcomp:
    return read_answer(from, type);
  case packet_type::subscribe:
    return read_subscribe(from);
  case packet_type::suback:
    return read_suback(from);
  case packet_type::unsubscribe:
    return read_unsubscribe(from);
  case packet_type::unsuback:
    return read_unsuback(from);
  case packet_type::pingreq:
    from.end("3.12");
    return pingreq{};
  case packet_type::pingresp:
    from.end("3.13");
    return pingresp{};
  case packet_type::disconnect:
    return read_disconnect(from, sender);
  case packet_type::auth:
    return read_auth(from, sender);
  }
  return pingreq{};
}

} // namespace

std::optional<protocol_error> check_first_byte(uint8_t first, version protocol, side sender) {
  auto type = static_cast<packet_type>(first >> 4);
  auto flags = static_cast<uint8_t>(first & 15U);
  if (type < packet_type::connect || (type == packet_type::auth && protocol == version::v311))
    return protocol_error{reason::malformed_packet, protocol == version::v5 ? "2.1.2" : "2.2.1",
                          "a reserved packet type"};
  if (!is_sent_by(type, sender, protocol))
    return protocol_error{reason::protocol_error, protocol == version::v5 ? "2.1.2" : "2.2.1",
                          "a packet that only the other end sends"};
  if (type == packet_type::publish)
    return {};
  auto expected = type == packet_type::pubrel || type == packet_type::subscribe
                      || type == packet_type::unsubscribe
                    ? set_flags
                    : uint8_t{0};
  if (flags != expected)
    return protocol_error{reason::malformed_packet, flags_paragraph(type, protocol),
                          "reserved flags of the packet have other values"};
  return {};
}

uint16_t read_packet_id(byte_cursor& from) {
  auto result = from.two_bytes();
  from.require(result != 0, reason::protocol_error, from.by_version("MQTT-2.3.1-1", "MQTT-2.2.1-3"),
               "a packet identifier is 0");
  return result;
}

std::optional<protocol_error> decode(uint8_t first, std::string_view body, version protocol,
                                     side sender, packet& out) {
  if (auto error = check_first_byte(first, protocol, sender))
    return error;
  byte_cursor from{body, protocol};
  out = read_packet(from, static_cast<packet_type>(first >> 4), first & 15U, sender);
  return from.error();
}

} // namespace pipehub::mqtt
