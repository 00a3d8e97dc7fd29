#include "hub/wire.hpp"

#include "codec/topic_rules.hpp"

#include <catch2/catch.hpp>

using namespace hub_test;

// -- SUBSCRIBE --------------------------------------------------------------------------------

REFUSED("3.1.1 MQTT-3.8.1-1: the flags of SUBSCRIBE", "80 * 0001 't' 00", reason::malformed_packet)
REFUSED("3.1.1 MQTT-2.3.1-1: a packet identifier of 0 in SUBSCRIBE", "82 * 0000 't' 00",
        reason::protocol_error)
REFUSED("3.1.1 MQTT-3.8.3-1: a topic filter that is not UTF-8", "82 * 0001 0001 FF 00",
        reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.8.3-3: no topic filter", "82 * 0001", reason::protocol_error)
REFUSED("3.1.1 MQTT-3-8.3-4: reserved bits of a subscription", "82 * 0001 't' 04",
        reason::malformed_packet)
REFUSED("3.1.1 MQTT-4.7.1-2: a # that is not the last level", "82 * 0001 'a/#/b' 00",
        reason::topic_filter_invalid)
REFUSED("3.1.1 MQTT-4.7.1-3: a + that is not a whole level", "82 * 0001 'a/b+' 00",
        reason::topic_filter_invalid)
REFUSED("3.1.1 MQTT-4.7.3-1: an empty topic filter", "82 * 0001 '' 00",
        reason::topic_filter_invalid)
REFUSED("3.1.1 1.5: a topic filter without its QoS", "82 * 0001 't'", reason::malformed_packet)

REFUSED("5.0 MQTT-3.8.1-1: the flags of SUBSCRIBE", "8A * 0001 [] 't' 00", reason::malformed_packet)
REFUSED("5.0 MQTT-2.2.1-3: a packet identifier of 0 in SUBSCRIBE", "82 * 0000 [] 't' 00",
        reason::protocol_error)
REFUSED("5.0 MQTT-3.8.3-1: a topic filter that is not UTF-8", "82 * 0001 [] 0001 FF 00",
        reason::malformed_packet)
REFUSED("5.0 MQTT-3.8.3-2: no topic filter", "82 * 0001 []", reason::protocol_error)
REFUSED("5.0 MQTT-3.8.3-4: No Local of a shared subscription", "82 * 0001 [] '$share/g/t' 04",
        reason::protocol_error)
REFUSED("5.0 MQTT-3.8.3-5: reserved bits of a subscription", "82 * 0001 [] 't' 40",
        reason::malformed_packet)
REFUSED("5.0 3.8.3.1: a subscription of QoS 3", "82 * 0001 [] 't' 03", reason::protocol_error)
REFUSED("5.0 3.8.3.1: a Retain Handling of 3", "82 * 0001 [] 't' 30", reason::protocol_error)
REFUSED("5.0 3.8.2.1.2: a Subscription Identifier of 0", "82 * 0001 [0B 00] 't' 00",
        reason::protocol_error)
REFUSED("5.0 MQTT-4.7.1-2: a # behind other characters", "82 * 0001 [] 'a#' 00",
        reason::topic_filter_invalid)
REFUSED("5.0 MQTT-4.7.1-3: a + before other characters", "82 * 0001 [] '+a/b' 00",
        reason::topic_filter_invalid)
REFUSED("5.0 MQTT-4.7.3-1: an empty topic filter", "82 * 0001 [] '' 00",
        reason::topic_filter_invalid)
REFUSED("5.0 MQTT-4.8.2-1: a share without a name", "82 * 0001 [] '$share//t' 00",
        reason::topic_filter_invalid)
REFUSED("5.0 MQTT-4.8.2-1: a wildcard in the name of a share", "82 * 0001 [] '$share/a+/t' 00",
        reason::topic_filter_invalid)
REFUSED("5.0 MQTT-4.8.2-2: a share without a topic filter", "82 * 0001 [] '$share/a' 00",
        reason::topic_filter_invalid)
REFUSED("5.0 MQTT-4.8.2-2: a share with an empty topic filter", "82 * 0001 [] '$share/a/' 00",
        reason::topic_filter_invalid)

TEST_CASE("5.0 3.8.3.1: the options of a subscription", "[codec]") {
  auto bytes = wire("82 * 0009 [0B 8001] 'a/+' 2E '$share/g/#' 11");
  packet decoded;
  REQUIRE_FALSE(decode_wire(bytes, version::v5, side::client, decoded));
  auto& x = std::get<subscribe>(decoded);
  CHECK(x.packet_id == 9);
  CHECK(x.properties.number(property_id::subscription_identifier) == 128U);
  REQUIRE(x.subscriptions.size() == 2);
  CHECK(x.subscriptions[0].filter == "a/+");
  CHECK(x.subscriptions[0].qos == 2);
  CHECK(x.subscriptions[0].no_local);
  CHECK(x.subscriptions[0].retain_as_published);
  CHECK(x.subscriptions[0].retain_handling == 2);
  CHECK(x.subscriptions[1].filter == "$share/g/#");
  CHECK(x.subscriptions[1].qos == 1);
  CHECK_FALSE(x.subscriptions[1].no_local);
  CHECK_FALSE(x.subscriptions[1].retain_as_published);
  CHECK(x.subscriptions[1].retain_handling == 1);
}

TEST_CASE("4.7.1: wildcards where they may be", "[codec]") {
  for (auto filter : {"#", "+", "/", "a/#", "+/+", "/+", "+/a/#", "a//b", "$SYS/#", " "})
    CHECK_FALSE(check_filter(filter));
}

TEST_CASE("4.8.2: the parts of a shared subscription", "[codec]") {
  auto parts = split_shared("$share/group/a/+/#");
  CHECK(parts.share_name == "group");
  CHECK(parts.filter == "a/+/#");
  for (auto plain :
       {"a/b", "$share", "$share/", "$share/a", "$share/a/", "$share//b", "$sharex/a/b"}) {
    CHECK(split_shared(plain).share_name.empty());
    CHECK(split_shared(plain).filter == plain);
  }
}

// -- UNSUBSCRIBE ------------------------------------------------------------------------------

REFUSED("3.1.1 MQTT-3.10.1-1: the flags of UNSUBSCRIBE", "A0 * 0001 't'", reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.10.3-1: a topic filter of UNSUBSCRIBE that is not UTF-8", "A2 * 0001 0001 FF",
        reason::malformed_packet)
REFUSED("3.1.1 MQTT-3.10.3-2: an UNSUBSCRIBE without topic filter", "A2 * 0001",
        reason::protocol_error)
REFUSED("5.0 MQTT-3.10.1-1: the flags of UNSUBSCRIBE", "A3 * 0001 [] 't'", reason::malformed_packet)
REFUSED("5.0 MQTT-3.10.3-1: a topic filter of UNSUBSCRIBE that is not UTF-8",
        "A2 * 0001 [] 0001 FF", reason::malformed_packet)
REFUSED("5.0 MQTT-3.10.3-2: an UNSUBSCRIBE without topic filter", "A2 * 0001 []",
        reason::protocol_error)
REFUSED("5.0 MQTT-2.2.1-3: a packet identifier of 0 in UNSUBSCRIBE", "A2 * 0000 [] 't'",
        reason::protocol_error)
REFUSED("5.0 MQTT-4.7.1-2: a wrong # in UNSUBSCRIBE", "A2 * 0001 [] '#/a'",
        reason::topic_filter_invalid)

// -- SUBACK and UNSUBACK ----------------------------------------------------------------------

REFUSED_FROM_SERVER("3.1.1 MQTT-3.9.3-2: a return code that is reserved", "90 * 0001 03",
                    reason::protocol_error)
REFUSED_FROM_SERVER("5.0 MQTT-3.9.3-2: a code that is none of SUBACK's", "90 * 0001 [] 11",
                    reason::protocol_error)
REFUSED_FROM_SERVER("5.0 MQTT-3.11.3-2: a code that is none of UNSUBACK's", "B0 * 0001 [] 01",
                    reason::protocol_error)
REFUSED_FROM_SERVER("3.1.1 3.11: an UNSUBACK with return codes", "B0 * 0001 00",
                    reason::malformed_packet)
