#include "codec/decode_parts.hpp"
#include "codec/topic_rules.hpp"

namespace pipehub::mqtt {

namespace {

/// Bits of the connect flags (3.1.2.3).
enum : uint8_t {
  reserved_flag = 1,
  clean_start_flag = 2,
  will_flag = 4,
  will_qos_flags = 24,
  will_retain_flag = 32,
  password_flag = 64,
  user_name_flag = 128,
};

/// Reads the protocol's name and level.
version read_version(byte_cursor& from) {
  auto name = from.binary();
  auto level = from.byte();
  from.require(name == "MQTT", reason::unsupported_protocol_version, "MQTT-3.1.2-1",
               "the protocol's name is not MQTT");
  from.require(level == 4 || level == 5, reason::unsupported_protocol_version, "MQTT-3.1.2-2",
               "the protocol's level is neither 4 (3.1.1) nor 5 (5.0)");
  return level <= 4 ? version::v311 : version::v5;
}

void check_flags(byte_cursor& from, uint8_t flags) {
  auto refuse = [&](bool wrong, const char* in_311, const char* in_5, const char* text) {
    from.require(!wrong, reason::malformed_packet, from.by_version(in_311, in_5), text);
  };
  auto has_will = (flags & will_flag) != 0;
  refuse((flags & reserved_flag) != 0, "MQTT-3.1.2-3", "MQTT-3.1.2-3",
         "the reserved flag of CONNECT is set");
  refuse(!has_will && (flags & will_qos_flags) != 0, "MQTT-3.1.2-13", "MQTT-3.1.2-11",
         "Will QoS is set without the Will Flag");
  refuse((flags & will_qos_flags) == will_qos_flags, "MQTT-3.1.2-14", "MQTT-3.1.2-12",
         "Will QoS is 3");
  refuse(!has_will && (flags & will_retain_flag) != 0, "MQTT-3.1.2-15", "MQTT-3.1.2-13",
         "Will Retain is set without the Will Flag");
  refuse(from.protocol() == version::v311 && (flags & user_name_flag) == 0
           && (flags & password_flag) != 0,
         "MQTT-3.1.2-22", "", "the Password Flag is set without the User Name Flag");
}

will read_will(byte_cursor& from, uint8_t flags) {
  will result;
  result.qos = static_cast<uint8_t>((flags & will_qos_flags) >> 3);
  result.retain = (flags & will_retain_flag) != 0;
  if (from.protocol() == version::v5)
    result.properties = properties::read(from, in_will);
  from.require(!from.at_end(), reason::malformed_packet, "MQTT-3.1.2-9",
               "the Will Flag is set, and there is no will");
  result.topic = from.text(from.by_version("MQTT-3.1.3-10", "MQTT-3.1.3-11"));
  result.payload = from.binary();
  if (from.ok()) {
    from.require(!result.topic.empty(), reason::topic_name_invalid, "MQTT-4.7.3-1",
                 "the will's topic is empty");
    from.require(!has_wildcard(result.topic), reason::topic_name_invalid,
                 from.by_version("4.7.1", "MQTT-4.7.0-1"), "the will's topic has a wildcard in it");
  }
  return result;
}

void check_properties(byte_cursor& from, const properties& checked) {
  from.require(!checked.find(property_id::authentication_data)
                 || checked.find(property_id::authentication_method),
               reason::protocol_error, "3.1.2.11.10",
               "Authentication Data comes without an Authentication Method");
}

} // namespace

connect read_connect(byte_cursor& from) {
  connect result;
  result.protocol = read_version(from);
  if (!from.ok())
    return result;
  // From here on by the rules of the version that the client speaks.
  byte_cursor body{from.rest(), result.protocol};
  auto flags = body.byte();
  check_flags(body, flags);
  result.clean_start = (flags & clean_start_flag) != 0;
  result.keep_alive = body.two_bytes();
  if (result.protocol == version::v5) {
    result.properties = properties::read(body, in_connect);
    check_properties(body, result.properties);
  }
  body.require(!body.at_end(), reason::malformed_packet, "MQTT-3.1.3-3",
               "CONNECT has no client identifier");
  result.client_id = body.text("MQTT-3.1.3-4");
  if ((flags & will_flag) != 0)
    result.will = read_will(body, flags);
  if ((flags & user_name_flag) != 0) {
    body.require(!body.at_end(), reason::malformed_packet,
                 body.by_version("MQTT-3.1.2-19", "MQTT-3.1.2-17"),
                 "the User Name Flag is set, and there is no user name");
    result.user_name = body.text(body.by_version("MQTT-3.1.3-11", "MQTT-3.1.3-12"));
  }
  if ((flags & password_flag) != 0) {
    body.require(!body.at_end(), reason::malformed_packet,
                 body.by_version("MQTT-3.1.2-21", "MQTT-3.1.2-19"),
                 "the Password Flag is set, and there is no password");
    result.password = body.binary();
  }
  // Fields whose flags are not set must not be there, either.
  body.end(body.by_version("MQTT-3.1.2-20", "MQTT-3.1.2-18"));
  if (!body.ok())
    from.fail(*body.error());
  return result;
}

} // namespace pipehub::mqtt
