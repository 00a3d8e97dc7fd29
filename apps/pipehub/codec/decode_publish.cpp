#include "codec/decode_parts.hpp"
#include "codec/topic_rules.hpp"

namespace pipehub::mqtt {

namespace {

void check_topic(byte_cursor& from, const publish& packet) {
  from.require(!has_wildcard(packet.topic), reason::topic_name_invalid, "MQTT-3.3.2-2",
               "the topic of a PUBLISH has a wildcard in it");
  if (!packet.topic.empty())
    return;
  if (from.protocol() == version::v311)
    from.fail(reason::topic_name_invalid, "MQTT-4.7.3-1", "the topic of a PUBLISH is empty");
  else
    from.require(packet.properties.find(property_id::topic_alias).has_value(),
                 reason::protocol_error, "3.3.2.1",
                 "a PUBLISH has neither a topic nor a Topic Alias");
}

/// Returns whether a packet of this type may have this code (3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1).
bool is_answer_code(packet_type type, reason code) {
  switch (code) {
  case reason::success:
    return true;
  case reason::no_matching_subscribers:
  case reason::unspecified_error:
  case reason::implementation_specific_error:
  case reason::not_authorized:
  case reason::topic_name_invalid:
  case reason::packet_identifier_in_use:
  case reason::quota_exceeded:
  case reason::payload_format_invalid:
    return type == packet_type::puback || type == packet_type::pubrec;
  case reason::packet_identifier_not_found:
    return type == packet_type::pubrel || type == packet_type::pubcomp;
  default:
    return false;
  }
}

const char* answer_paragraph(packet_type type) {
  switch (type) {
  case packet_type::puback:
    return "MQTT-3.4.2-1";
  case packet_type::pubrec:
    return "MQTT-3.5.2-1";
  case packet_type::pubrel:
    return "MQTT-3.6.2-1";
  default:
    return "MQTT-3.7.2-1";
  }
}

} // namespace

publish read_publish(byte_cursor& from, uint8_t flags, side sender) {
  publish result;
  result.dup = (flags & 8U) != 0;
  result.qos = static_cast<uint8_t>((flags >> 1) & 3U);
  result.retain = (flags & 1U) != 0;
  from.require(result.qos != 3, reason::malformed_packet, "MQTT-3.3.1-4",
               "the QoS of a PUBLISH is 3");
  from.require(!result.dup || result.qos != 0, reason::malformed_packet, "MQTT-3.3.1-2",
               "a PUBLISH of QoS 0 has the DUP flag");
  result.topic = from.text("MQTT-3.3.2-1");
  if (result.qos != 0)
    result.packet_id = read_packet_id(from);
  if (from.protocol() == version::v5) {
    result.properties = properties::read(from, in_publish);
    from.require(sender == side::server
                   || !result.properties.find(property_id::subscription_identifier),
                 reason::protocol_error, "MQTT-3.3.4-6",
                 "a client's PUBLISH has a Subscription Identifier");
  }
  if (from.ok())
    check_topic(from, result);
  result.payload = from.take_rest();
  return result;
}

answer read_answer(byte_cursor& from, packet_type type) {
  answer result;
  result.type = type;
  result.packet_id = read_packet_id(from);
  if (from.protocol() == version::v311 || from.at_end()) {
    from.end("3.4.2");
    return result;
  }
  result.code = static_cast<reason>(from.byte());
  from.require(is_answer_code(type, result.code), reason::protocol_error, answer_paragraph(type),
               "the reason code is none of this packet's");
  if (!from.at_end())
    result.properties = properties::read(from, in_answer);
  from.end("3.4.3");
  return result;
}

} // namespace pipehub::mqtt
