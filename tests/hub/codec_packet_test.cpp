#include "hub/wire.hpp"

#include "codec/utf8.hpp"

#include <catch2/catch.hpp>

using namespace hub_test;

// -- packets without much in them -------------------------------------------------------------

REFUSED("3.1.1 2.2.1: packet type 0", "00 *", reason::malformed_packet)
REFUSED("3.1.1 2.2.1: packet type 15", "F0 *", reason::malformed_packet)
REFUSED("5.0 2.1.2: packet type 0", "00 *", reason::malformed_packet)
REFUSED("3.1.1 2.2.1: a client that sends CONNACK", "20 * 00 00", reason::protocol_error)
REFUSED("5.0 2.1.2: a client that sends SUBACK", "90 * 0001 [] 00", reason::protocol_error)
REFUSED("5.0 2.1.2: a client that sends PINGRESP", "D0 *", reason::protocol_error)
REFUSED_FROM_SERVER("5.0 2.1.2: a server that sends SUBSCRIBE", "82 * 0001 [] 't' 00",
                    reason::protocol_error)
REFUSED_FROM_SERVER("3.1.1 2.2.1: a server that sends DISCONNECT", "E0 *", reason::protocol_error)
REFUSED("3.1.1 MQTT-2.2.2-1: the flags of CONNECT", "11 * 'MQTT' 04 02 0000 'id'",
        reason::malformed_packet)
REFUSED("5.0 MQTT-2.1.3-1: the flags of PINGREQ", "C1 *", reason::malformed_packet)
REFUSED("3.1.1 3.12: a PINGREQ with something in it", "C0 * 00", reason::malformed_packet)
REFUSED_FROM_SERVER("5.0 3.13: a PINGRESP with something in it", "D0 * 00",
                    reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.14.1-1: the flags of DISCONNECT", "E1 *", reason::malformed_packet)
REFUSED("5.0 MQTT-3.14.1-1: the flags of DISCONNECT", "E2 *", reason::malformed_packet)
REFUSED("3.1.1 3.14: a DISCONNECT with a reason code", "E0 * 00", reason::malformed_packet)
REFUSED("5.0 MQTT-3.14.2-1: a code that is none of DISCONNECT's", "E0 * 01", reason::protocol_error)
REFUSED("5.0 MQTT-3.14.2-1: a code that only servers send", "E0 * 8E", reason::protocol_error)
REFUSED_FROM_SERVER("5.0 MQTT-3.14.2-1: a code that only clients send", "E0 * 04",
                    reason::protocol_error)
REFUSED_FROM_SERVER("5.0 MQTT-3.14.2-2: a server's Session Expiry Interval",
                    "E0 * 00 [11 00000001]", reason::protocol_error)
REFUSED("5.0 MQTT-3.15.1-1: the flags of AUTH", "F1 * 18 [15 'm']", reason::malformed_packet)
REFUSED("5.0 MQTT-3.15.2-1: a code that is none of AUTH's", "F0 * 00 [15 'm']",
        reason::protocol_error)
REFUSED("5.0 3.15.2.2.2: AUTH without a method", "F0 * 18 []", reason::protocol_error)

TEST_CASE("5.0 3.14.2.1: a DISCONNECT without reason code is a normal one", "[codec]") {
  auto bytes = wire("E0 *");
  packet decoded;
  REQUIRE_FALSE(decode_wire(bytes, version::v5, side::client, decoded));
  CHECK(std::get<disconnect>(decoded).code == reason::success);
}

// -- strings ----------------------------------------------------------------------------------

TEST_CASE("3.1.1 MQTT-1.5.3-1: strings are well-formed UTF-8", "[codec]") {
  for (auto text :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xC3", "\xE0\x9F\xBF", "\xE2\x82", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF",
        "a\xE2\x82z", "\xF0\x9F\x98", "\xE2\x28\xA1"})
    CHECK(check_utf8(text) == utf8_fault::ill_formed);
}

TEST_CASE("5.0 MQTT-1.5.4-1: characters of each length are taken, and no surrogates", "[codec]") {
  for (auto text : {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                    "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
                    "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z"})
    CHECK(check_utf8(text) == utf8_fault::none);
  CHECK(check_utf8("\xED\xA0\x80") == utf8_fault::ill_formed);
  CHECK(check_utf8({"a\0b", 3}) == utf8_fault::null_character);
}

TEST_CASE("3.1.1 MQTT-1.5.3-3 and 5.0 MQTT-1.5.4-3: U+FEFF is not stripped", "[codec]") {
  for (auto protocol : {version::v311, version::v5}) {
    auto bytes = wire(protocol == version::v5 ? "30 * 0004 EFBBBF61 []" : "30 * 0004 EFBBBF61");
    packet decoded;
    REQUIRE_FALSE(decode_wire(bytes, protocol, side::client, decoded));
    CHECK(std::get<publish>(decoded).topic
          == "\xEF\xBB\xBF"
             "a");
  }
}

// -- what is said about errors ----------------------------------------------------------------

TEST_CASE("The text of an error names its paragraph", "[codec]") {
  protocol_error error{reason::malformed_packet, "MQTT-3.1.2-3",
                       "the reserved flag of CONNECT is set"};
  CHECK(describe(error) == "malformed packet [MQTT-3.1.2-3]: the reserved flag of CONNECT is set");
  CHECK(std::string{to_string(static_cast<reason>(0x7F))} == "unknown reason");
  CHECK(std::string{to_string(packet_type::unsubscribe)} == "UNSUBSCRIBE");
  CHECK(std::string{to_string(packet_type::auth)} == "AUTH");
}
