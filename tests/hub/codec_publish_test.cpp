#include "hub/wire.hpp"

#include <catch2/catch.hpp>

using namespace hub_test;

// -- PUBLISH ----------------------------------------------------------------------------------

REFUSED("3.1.1 MQTT-2.3.1-1: a packet identifier of 0 in PUBLISH", "32 * 't' 0000",
        reason::protocol_error)
REFUSED("3.1.1 MQTT-3.3.1-2: DUP with QoS 0", "38 * 't'", reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.3.1-4: QoS 3", "36 * 't' 0001", reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.3.2-1: a topic that is not UTF-8", "30 * 0001 FE", reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.3.2-2: a wildcard in the topic", "30 * 'a/+'", reason::topic_name_invalid)
REFUSED("3.1.1 MQTT-4.7.3-1: an empty topic", "30 * ''", reason::topic_name_invalid)
REFUSED("3.1.1 MQTT-1.5.3-2: a null character in the topic", "30 * 0003 610062",
        reason::malformed_packet)
REFUSED("3.1.1 1.5: a PUBLISH without a packet identifier", "32 * 't' 00", reason::malformed_packet)

REFUSED("5.0 MQTT-2.2.1-3: a packet identifier of 0 in PUBLISH", "32 * 't' 0000 []",
        reason::protocol_error)
REFUSED("5.0 MQTT-3.3.1-2: DUP with QoS 0", "38 * 't' []", reason::malformed_packet)
REFUSED("5.0 MQTT-3.3.1-4: QoS 3", "36 * 't' 0001 []", reason::malformed_packet)
REFUSED("5.0 MQTT-3.3.2-1: a topic that is not UTF-8", "30 * 0002 C1BF []",
        reason::malformed_packet)
REFUSED("5.0 MQTT-3.3.2-2: a wildcard in the topic", "30 * 'a#' []", reason::topic_name_invalid)
REFUSED("5.0 MQTT-3.3.2-8: a Topic Alias of 0", "30 * 't' [23 0000]", reason::topic_alias_invalid)
REFUSED("5.0 MQTT-3.3.2-14: a wildcard in the Response Topic", "30 * 't' [08 'r/#']",
        reason::protocol_error)
REFUSED("5.0 MQTT-3.3.4-6: a Subscription Identifier from a client", "30 * 't' [0B 01]",
        reason::protocol_error)
REFUSED("5.0 3.3.2.1: neither a topic nor an alias", "30 * '' []", reason::protocol_error)
REFUSED("5.0 MQTT-1.5.4-2: a null character in the topic", "30 * 0001 00 []",
        reason::malformed_packet)

TEST_CASE("3.1.1 MQTT-2.3.1-5: a PUBLISH of QoS 0 has no packet identifier", "[codec]") {
  auto bytes = wire("30 * 't' 0001");
  packet decoded;
  REQUIRE_FALSE(decode_wire(bytes, version::v311, side::client, decoded));
  CHECK(std::get<publish>(decoded).packet_id == 0);
  CHECK(std::get<publish>(decoded).payload.size() == 2);
}

TEST_CASE("5.0 MQTT-2.2.1-2: a PUBLISH of QoS 0 has no packet identifier", "[codec]") {
  auto bytes = wire("30 * 't' [] 0001");
  packet decoded;
  REQUIRE_FALSE(decode_wire(bytes, version::v5, side::client, decoded));
  CHECK(std::get<publish>(decoded).packet_id == 0);
  CHECK(std::get<publish>(decoded).payload.size() == 2);
}

TEST_CASE("The payload of a PUBLISH that arrives whole is not copied", "[codec]") {
  auto bytes = wire("3B * 'topic' 0007 [23 0002] 70 61 79");
  packet decoded;
  REQUIRE_FALSE(decode_wire(bytes, version::v5, side::client, decoded));
  auto& x = std::get<publish>(decoded);
  CHECK(x.dup);
  CHECK(x.qos == 1);
  CHECK(x.retain);
  CHECK(x.topic == "topic");
  CHECK(x.packet_id == 7);
  CHECK(x.properties.number(property_id::topic_alias) == 2U);
  CHECK(x.payload == "pay");
  CHECK(x.payload.data() == bytes.data() + bytes.size() - 3);
}

TEST_CASE("The length of an encoded PUBLISH is known in advance", "[codec]") {
  property_builder builder;
  builder.add_user("name", std::string(200, 'v'));
  for (size_t size : {size_t{0}, size_t{100}, size_t{127}, size_t{20000}, size_t{3000000}}) {
    std::string payload(size, 'p');
    publish x;
    x.topic = "a/b";
    x.qos = 1;
    x.packet_id = 3;
    x.properties = builder.view();
    x.payload = payload;
    for (auto protocol : {version::v311, version::v5}) {
      buffer out;
      encode(x, protocol, out);
      CHECK(out.size() == encoded_size(x, protocol));
      packet decoded;
      REQUIRE_FALSE(decode_wire(text_of(out), protocol, side::client, decoded));
      CHECK(std::get<publish>(decoded).payload == payload);
    }
  }
}

// -- PUBACK, PUBREC, PUBREL, PUBCOMP ----------------------------------------------------------

REFUSED("3.1.1 MQTT-3.6.1-1: the flags of PUBREL", "60 * 0001", reason::malformed_packet)
REFUSED("5.0 MQTT-3.6.1-1: the flags of PUBREL", "66 * 0001", reason::malformed_packet)
REFUSED("3.1.1 MQTT-2.2.2-1: the flags of PUBACK", "42 * 0001", reason::malformed_packet)
REFUSED("5.0 MQTT-2.1.3-1: the flags of PUBCOMP", "78 * 0001", reason::malformed_packet)
REFUSED("3.1.1 3.4.2: a PUBACK with a reason code", "40 * 0001 00", reason::malformed_packet)
REFUSED("5.0 MQTT-3.4.2-1: a code that is none of PUBACK's", "40 * 0001 92", reason::protocol_error)
REFUSED("5.0 MQTT-3.5.2-1: a code that is none of PUBREC's", "50 * 0001 01", reason::protocol_error)
REFUSED("5.0 MQTT-3.6.2-1: a code that is none of PUBREL's", "62 * 0001 10", reason::protocol_error)
REFUSED("5.0 MQTT-3.7.2-1: a code that is none of PUBCOMP's", "70 * 0001 80",
        reason::protocol_error)
REFUSED("5.0 3.4.3: a PUBACK with something behind its properties", "40 * 0001 00 [] 00",
        reason::malformed_packet)
REFUSED("5.0 1.5: an empty PUBACK", "40 *", reason::malformed_packet)
REFUSED("5.0 MQTT-2.2.1-3: a packet identifier of 0 in PUBACK", "40 * 0000", reason::protocol_error)

TEST_CASE("5.0 3.4.2.1: an answer without reason code is a success", "[codec]") {
  for (auto notation : {"40 * 0001", "50 * 0001", "62 * 0001", "70 * 0001"}) {
    auto bytes = wire(notation);
    packet decoded;
    REQUIRE_FALSE(decode_wire(bytes, version::v5, side::client, decoded));
    CHECK(std::get<answer>(decoded).code == reason::success);
    CHECK(std::get<answer>(decoded).packet_id == 1);
  }
}
