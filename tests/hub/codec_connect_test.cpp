#include "hub/wire.hpp"

#include <catch2/catch.hpp>

using namespace hub_test;

// -- CONNECT of 3.1.1 -------------------------------------------------------------------------

REFUSED("3.1.1 MQTT-3.1.2-1: another protocol name", "10 * 'MQXT' 04 02 0000 'id'",
        reason::unsupported_protocol_version)
REFUSED("3.1.1 MQTT-3.1.2-2: a level that is not known", "10 * 'MQTT' 06 02 0000 'id'",
        reason::unsupported_protocol_version)
REFUSED("3.1.1 MQTT-3.1.2-3: the reserved flag", "10 * 'MQTT' 04 03 0000 'id'",
        reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.2-9: a will without topic", "10 * 'MQTT' 04 06 0000 'id'",
        reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.2-13: Will QoS without a will", "10 * 'MQTT' 04 0A 0000 'id'",
        reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.2-14: Will QoS 3", "10 * 'MQTT' 04 1E 0000 'id' 't' 'm'",
        reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.2-15: Will Retain without a will", "10 * 'MQTT' 04 22 0000 'id'",
        reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.2-19: no user name despite its flag", "10 * 'MQTT' 04 82 0000 'id'",
        reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.2-20: a password without its flag",
        "10 * 'MQTT' 04 82 0000 'id' 'user' 'password'", reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.2-21: no password despite its flag", "10 * 'MQTT' 04 C2 0000 'id' 'user'",
        reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.2-22: a password without a user name",
        "10 * 'MQTT' 04 42 0000 'id' 'password'", reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.3-3: no client identifier", "10 * 'MQTT' 04 02 0000",
        reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.3-4: a client identifier that is not UTF-8",
        "10 * 'MQTT' 04 02 0000 0001 FF", reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.3-10: a will topic that is not UTF-8",
        "10 * 'MQTT' 04 06 0000 'id' 0001 FF 'm'", reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.1.3-11: a user name that is not UTF-8", "10 * 'MQTT' 04 82 0000 'id' 0001 FF",
        reason::malformed_packet)
REFUSED("3.1.1 4.7.1: a wildcard in the will topic", "10 * 'MQTT' 04 06 0000 'id' 't/#' 'm'",
        reason::topic_name_invalid)
REFUSED("3.1.1 MQTT-4.7.3-1: an empty will topic", "10 * 'MQTT' 04 06 0000 'id' '' 'm'",
        reason::topic_name_invalid)
REFUSED("3.1.1 1.5: CONNECT ends in its keep alive", "10 * 'MQTT' 04 02 00",
        reason::malformed_packet)

// -- CONNECT of 5.0 ---------------------------------------------------------------------------

REFUSED("5.0 MQTT-3.1.2-1: another protocol name", "10 * 'mqtt' 05 02 0000 [] 'id'",
        reason::unsupported_protocol_version)
REFUSED("5.0 MQTT-3.1.2-2: a level that is not known", "10 * 'MQTT' 03 02 0000 [] 'id'",
        reason::unsupported_protocol_version)
REFUSED("5.0 MQTT-3.1.2-3: the reserved flag", "10 * 'MQTT' 05 03 0000 [] 'id'",
        reason::malformed_packet)
REFUSED("5.0 MQTT-3.1.2-9: a will without topic", "10 * 'MQTT' 05 06 0000 [] 'id' []",
        reason::malformed_packet)
REFUSED("5.0 MQTT-3.1.2-11: Will QoS without a will", "10 * 'MQTT' 05 12 0000 [] 'id'",
        reason::malformed_packet)
REFUSED("5.0 MQTT-3.1.2-12: Will QoS 3", "10 * 'MQTT' 05 1E 0000 [] 'id' [] 't' 'm'",
        reason::malformed_packet)
REFUSED("5.0 MQTT-3.1.2-13: Will Retain without a will", "10 * 'MQTT' 05 22 0000 [] 'id'",
        reason::malformed_packet)
REFUSED("5.0 MQTT-3.1.2-17: no user name despite its flag", "10 * 'MQTT' 05 82 0000 [] 'id'",
        reason::malformed_packet)
REFUSED("5.0 MQTT-3.1.2-18: a password without its flag",
        "10 * 'MQTT' 05 02 0000 [] 'id' 'password'", reason::malformed_packet)
REFUSED("5.0 MQTT-3.1.2-19: no password despite its flag", "10 * 'MQTT' 05 42 0000 [] 'id'",
        reason::malformed_packet)
REFUSED("5.0 MQTT-3.1.3-3: no client identifier", "10 * 'MQTT' 05 02 0000 []",
        reason::malformed_packet)
REFUSED("5.0 MQTT-3.1.3-4: a client identifier that is not UTF-8",
        "10 * 'MQTT' 05 02 0000 [] 0002 C080", reason::malformed_packet)
REFUSED("5.0 MQTT-3.1.3-11: a will topic that is not UTF-8",
        "10 * 'MQTT' 05 06 0000 [] 'id' [] 0003 EDA080 'm'", reason::malformed_packet)
REFUSED("5.0 MQTT-3.1.3-12: a user name that is not UTF-8",
        "10 * 'MQTT' 05 82 0000 [] 'id' 0001 80", reason::malformed_packet)
REFUSED("5.0 MQTT-4.7.0-1: a wildcard in the will topic",
        "10 * 'MQTT' 05 06 0000 [] 'id' [] '+' 'm'", reason::topic_name_invalid)
REFUSED("5.0 3.1.2.11.10: Authentication Data without a method",
        "10 * 'MQTT' 05 02 0000 [16 'data'] 'id'", reason::protocol_error)

// -- CONNACK ----------------------------------------------------------------------------------

REFUSED_FROM_SERVER("5.0 MQTT-3.2.2-1: reserved flags of CONNACK", "20 * 02 00 []",
                    reason::malformed_packet)
REFUSED_FROM_SERVER("5.0 MQTT-3.2.2-6: a refusal with a session", "20 * 01 87 []",
                    reason::malformed_packet)
REFUSED_FROM_SERVER("5.0 MQTT-3.2.2-8: a code that is none of CONNACK's", "20 * 00 10 []",
                    reason::malformed_packet)
REFUSED_FROM_SERVER("3.1.1 MQTT-3.2.2-4: a refusal with a session", "20 * 01 05",
                    reason::malformed_packet)
REFUSED_FROM_SERVER("3.1.1 3.2.2.3: a return code that is reserved", "20 * 00 06",
                    reason::malformed_packet)

// -- what is taken ----------------------------------------------------------------------------

TEST_CASE("3.1.1 MQTT-3.1.3-1: the fields of CONNECT come in their order", "[codec]") {
  auto bytes = wire("10 * 'MQTT' 04 F6 000A 'id' 'topic' 'will' 'user' 'password'");
  packet decoded;
  REQUIRE_FALSE(decode_wire(bytes, version::v5, side::client, decoded));
  auto& x = std::get<connect>(decoded);
  CHECK(x.protocol == version::v311);
  CHECK(x.clean_start);
  CHECK(x.keep_alive == 10);
  CHECK(x.client_id == "id");
  REQUIRE(x.will);
  CHECK(x.will->topic == "topic");
  CHECK(x.will->payload == "will");
  CHECK(x.will->qos == 2);
  CHECK(x.will->retain);
  CHECK(x.user_name == std::string_view{"user"});
  CHECK(x.password == std::string_view{"password"});
}

TEST_CASE("5.0 MQTT-3.1.3-1: the fields of CONNECT come in their order", "[codec]") {
  auto bytes = wire("10 * 'MQTT' 05 CC FFFF [11 0000000A 21 0014] 'id' [18 00000005] 'topic' "
                    "'will' 'user' 'password'");
  packet decoded;
  REQUIRE_FALSE(decode_wire(bytes, version::v5, side::client, decoded));
  auto& x = std::get<connect>(decoded);
  CHECK(x.protocol == version::v5);
  CHECK_FALSE(x.clean_start);
  CHECK(x.keep_alive == 65535);
  CHECK(x.properties.number(property_id::session_expiry_interval) == 10U);
  CHECK(x.properties.number(property_id::receive_maximum) == 20U);
  REQUIRE(x.will);
  CHECK(x.will->properties.number(property_id::will_delay_interval) == 5U);
  CHECK(x.will->topic == "topic");
  CHECK(x.will->payload == "will");
  CHECK(x.will->qos == 1);
  CHECK_FALSE(x.will->retain);
  CHECK(x.user_name == std::string_view{"user"});
  CHECK(x.password == std::string_view{"password"});
}

TEST_CASE("An empty user name and an empty password are taken", "[codec]") {
  check_taken(version::v5, side::client, "10 * 'MQTT' 05 C2 0000 [] 'id' '' ''");
  check_taken(version::v311, side::client, "10 * 'MQTT' 04 C2 0000 '' '' ''");
}
