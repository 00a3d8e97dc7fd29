#include "hub/world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace hub_test;
using namespace std::chrono_literals;

// -- answers ----------------------------------------------------------------------------------

// Proves too: 3.1.1 MQTT-3.8.4-2, 3.1.1 MQTT-3.8.4-5, 3.1.1 MQTT-3.9.3-1.
TEST_CASE("3.1.1 MQTT-3.8.4-1: SUBSCRIBE is answered filter by filter", "[session]") {
  world home;
  auto old = home.v311("a");
  old.send("82 * 1234 'a' 02 'b/#' 00 'c' 01");
  CHECK(old.take() == wire("90 * 1234 02 00 01"));
}

// Proves too: 5.0 MQTT-3.8.4-2, 5.0 MQTT-3.8.4-6, 5.0 MQTT-3.9.3-1.
TEST_CASE("5.0 MQTT-3.8.4-1: SUBSCRIBE is answered filter by filter", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("82 * 1234 [] 'a' 02 '$share/g/b' 00 'c' 01");
  CHECK(guest.take() == wire("90 * 1234 [] 02 00 01"));
}

// Proves too: 3.1.1 MQTT-3.10.4-5.
TEST_CASE("3.1.1 MQTT-3.10.4-4: UNSUBSCRIBE is answered in any case", "[session]") {
  world home;
  auto old = home.v311("a");
  old.send("A2 * 0007 'a' 'b'");
  CHECK(old.take() == wire("B0 * 0007"));
}

// Proves too: 5.0 MQTT-3.11.3-1.
TEST_CASE("5.0 MQTT-3.10.4-4: UNSUBSCRIBE is answered filter by filter", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("82 * 0001 [] 'a' 00 '$share/g/b' 00");
  guest.take();
  guest.send("A2 * 0007 [] 'a' 'b' '$share/g/b' 'a'");
  CHECK(guest.take() == wire("B0 * 0007 [] 00 11 00 11"));
}

// Proves too: 5.0 MQTT-3.10.4-1.
TEST_CASE("3.1.1 MQTT-3.10.4-1: filters are removed that are the same byte by byte", "[session]") {
  world home;
  auto old = home.v311("a");
  old.send("82 * 0001 't/+' 00");
  old.send("A2 * 0002 't/1'");
  old.take();
  old.send("30 * 't/1'");
  CHECK(old.take() == wire("30 * 't/1'"));
  old.send("A2 * 0003 't/+'");
  old.take();
  old.send("30 * 't/1'");
  CHECK(old.take().empty());
}

TEST_CASE("A client has a limit of subscriptions", "[session]") {
  broker_options options;
  options.subscriptions = 2;
  world home{options};
  auto guest = home.v5("a");
  guest.send("82 * 0001 [] 'a' 00 'b' 00 'c' 00 'a' 01");
  CHECK(guest.take() == wire("90 * 0001 [] 00 00 97 01"));
}

// -- which messages come ----------------------------------------------------------------------

TEST_CASE("3.1.1 MQTT-3.8.4-6 and 5.0 MQTT-3.8.4-8: the QoS is the lower of the two", "[session]") {
  world home;
  auto old = home.v311("a");
  old.send("82 * 0001 't/0' 00 't/1' 01 't/2' 02");
  old.take();
  auto publisher = home.v311("b");
  for (auto topic : {"t/0", "t/1", "t/2"}) {
    publisher.send("30 * '" + std::string{topic} + "'");
    publisher.send("32 * '" + std::string{topic} + "' 0001");
    publisher.send("34 * '" + std::string{topic} + "' 0002");
    publisher.send("62 * 0002");
  }
  CHECK(old.take()
        == wire("30 * 't/0'") + wire("30 * 't/0'") + wire("30 * 't/0'") + wire("30 * 't/1'")
             + wire("32 * 't/1' 0001") + wire("32 * 't/1' 0002") + wire("30 * 't/2'")
             + wire("32 * 't/2' 0003") + wire("34 * 't/2' 0004"));
}

// Proves too: 5.0 MQTT-3.3.4-2.
TEST_CASE("3.1.1 MQTT-3.3.5-1: filters that overlap give the highest QoS, once", "[session]") {
  world home;
  auto old = home.v311("a");
  old.send("82 * 0001 't/#' 00 't/+' 02 't/x' 01");
  old.take();
  old.send("34 * 't/x' 0001 6D");
  CHECK(old.take() == wire("34 * 't/x' 0001 6D") + wire("50 * 0001"));
}

// Proves too: 5.0 MQTT-3.3.4-4.
TEST_CASE("5.0 MQTT-3.3.4-3: a message has the identifiers of all filters that match",
          "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("82 * 0001 [0B 02] 't/#' 00");
  guest.send("82 * 0002 [0B 8001] 't/+' 01");
  guest.send("82 * 0003 [] 't/x' 01");
  guest.send("82 * 0003 [0B 07] 'other' 01");
  guest.take();
  guest.send("30 * 't/x' [26 'k' 'v'] 6D");
  auto bytes = guest.take();
  packet decoded;
  REQUIRE_FALSE(decode_wire(bytes, version::v5, side::server, decoded));
  std::vector<uint32_t> identifiers;
  std::get<publish>(decoded).properties.for_each([&](const property& x) {
    if (x.id == property_id::subscription_identifier)
      identifiers.push_back(x.number);
  });
  std::sort(identifiers.begin(), identifiers.end());
  CHECK(identifiers == std::vector<uint32_t>{2, 128});
}

TEST_CASE("5.0 MQTT-3.8.3-3: No Local keeps a client's own messages away", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("82 * 0001 [] 't' 04");
  guest.take();
  guest.send("30 * 't' [] 6D");
  CHECK(guest.take().empty());
  auto other = home.v5("b");
  other.send("30 * 't' [] 6E");
  CHECK(guest.take() == wire("30 * 't' [] 6E"));
}

// Proves too: 5.0 MQTT-3.3.1-10, 5.0 MQTT-3.3.1-11.
TEST_CASE("5.0 MQTT-3.3.1-9: Retain Handling", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("31 * 't' [] 6D");
  auto message = wire("31 * 't' [] 6D");
  // 0: always.
  guest.send("82 * 0001 [] 't' 00");
  guest.send("82 * 0002 [] 't' 00");
  CHECK(guest.take() == wire("90 * 0001 [] 00") + message + wire("90 * 0002 [] 00") + message);
  // 1: only with a new subscription.
  guest.send("82 * 0003 [] 't' 10 '+' 10");
  CHECK(guest.take() == wire("90 * 0003 [] 00 00") + message);
  // 2: never.
  guest.send("A2 * 0004 [] 't' '+'");
  guest.take();
  guest.send("82 * 0005 [] 't' 20");
  CHECK(guest.take() == wire("90 * 0005 [] 00"));
}

TEST_CASE("5.0 MQTT-3.8.4-4: a retained message has its subscription's identifier and QoS",
          "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("35 * 't' 0001 [] 6D");
  guest.take();
  guest.send("82 * 0001 [0B 05] 't' 01");
  CHECK(guest.take() == wire("90 * 0001 [] 01") + wire("33 * 't' 0001 [0B 05] 6D"));
}

TEST_CASE("The same filter twice in one SUBSCRIBE is two requests, one after the other",
          "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("35 * 't' 0001 [] 6D");
  guest.take();
  guest.send("82 * 0001 [] 't' 00 't' 01");
  CHECK(guest.take()
        == wire("90 * 0001 [] 00 01") + wire("31 * 't' [] 6D") + wire("33 * 't' 0001 [] 6D"));
}

// -- shared subscriptions ---------------------------------------------------------------------

TEST_CASE("5.0 MQTT-4.8.2-4: each message of a share goes to one member", "[session]") {
  world home;
  auto one = home.v5("one");
  auto two = home.v5("two");
  auto old = home.v311("old");
  one.send("82 * 0001 [0B 09] '$share/g/t/+' 00");
  two.send("82 * 0001 [] '$share/g/t/+' 00");
  old.send("82 * 0001 '$share/g/t/+' 00");
  for (auto* member : {&one, &two, &old})
    member->take();
  auto publisher = home.v5("publisher");
  for (size_t index = 0; index < 30; ++index)
    publisher.send("30 * 't/x' [] 6D");
  CHECK(one.take().size() == 10 * wire("30 * 't/x' [0B 09] 6D").size());
  CHECK(two.take().size() == 10 * wire("30 * 't/x' [] 6D").size());
  CHECK(old.take().size() == 10 * wire("30 * 't/x' 6D").size());
}

TEST_CASE("5.0 MQTT-4.8.2-3: a member's QoS counts", "[session]") {
  world home;
  auto one = home.v5("one");
  one.send("82 * 0001 [] '$share/g/t' 01");
  one.take();
  auto publisher = home.v5("publisher");
  publisher.send("34 * 't' 0001 [] 6D");
  CHECK(one.take() == wire("32 * 't' 0001 [] 6D"));
}

TEST_CASE("A share gives more to members with less to do, and to those who are there",
          "[session]") {
  world home;
  auto slow = home.v5("slow", "11 00000064");
  auto quick = home.v5("quick");
  slow.send("82 * 0001 [] '$share/g/t' 01");
  quick.send("82 * 0001 [] '$share/g/t' 01");
  slow.take();
  quick.take();
  auto publisher = home.v5("publisher");
  for (int index = 1; index <= 11; ++index) {
    publisher.send("32 * 't' 0001 []");
    if (!quick.take().empty()) {
      buffer ack;
      encode(answer{packet_type::puback, static_cast<uint16_t>(index - 1), reason::success, {}},
             version::v5, ack);
      quick.send_bytes(text_of(ack));
    }
  }
  CHECK(slow.take().size() == wire("32 * 't' 0001 []").size());
  slow.leave();
  publisher.send("32 * 't' 0001 []");
  CHECK_FALSE(quick.take().empty());
  quick.leave();
  // Nobody is there: a session that lasts keeps it.
  publisher.send("32 * 't' 0001 []");
  auto again = home.v5("slow", "", false, true);
  CHECK(again.take().size() == 2 * wire("32 * 't' 0001 []").size());
}

TEST_CASE("A share brings no retained messages", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("31 * 't' [] 6D");
  guest.send("82 * 0001 [] '$share/g/t' 00");
  CHECK(guest.take() == wire("90 * 0001 [] 00"));
}

TEST_CASE("A share and a plain subscription of one client each bring a message", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("82 * 0001 [] '$share/g/t' 00 't' 00");
  guest.take();
  guest.send("30 * 't' [] 6D");
  CHECK(guest.take() == wire("30 * 't' [] 6D") + wire("30 * 't' [] 6D"));
}
