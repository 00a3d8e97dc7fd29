#include "hub/world.hpp"

#include <catch2/catch.hpp>

using namespace hub_test;
using namespace std::chrono_literals;

// -- QoS --------------------------------------------------------------------------------------

TEST_CASE("3.1.1 MQTT-3.3.4-1: each QoS has its answer", "[session]") {
  world home;
  auto guest = home.v311("a");
  guest.send("30 * 't'");
  CHECK(guest.take().empty());
  guest.send("32 * 't' 0005");
  CHECK(guest.take() == wire("40 * 0005"));
  guest.send("34 * 't' 0006");
  CHECK(guest.take() == wire("50 * 0006"));
  guest.send("62 * 0006");
  CHECK(guest.take() == wire("70 * 0006"));
}

TEST_CASE("5.0 MQTT-3.3.4-1: each QoS has its answer", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("82 * 0001 [] 't' 00");
  guest.take();
  guest.send("32 * 't' 0005 []");
  CHECK(guest.take() == wire("30 * 't' []") + wire("40 * 0005"));
  guest.send("34 * 't' 0006 []");
  CHECK(guest.take() == wire("30 * 't' []") + wire("50 * 0006"));
  guest.send("62 * 0006");
  CHECK(guest.take() == wire("70 * 0006"));
}

TEST_CASE("5.0 3.4.2.1: nobody listens", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("32 * 't' 0005 []");
  CHECK(guest.take() == wire("40 * 0005 10"));
  guest.send("34 * 't' 0006 []");
  CHECK(guest.take() == wire("50 * 0006 10"));
}

// Proves too: 5.0 MQTT-4.3.3-10.
TEST_CASE("3.1.1 MQTT-4.3.3-2: a repeated PUBLISH of QoS 2 is delivered once", "[session]") {
  world home;
  auto witness = home.v311("witness");
  witness.send("82 * 0001 't' 00");
  witness.take();
  auto guest = home.v311("a", false);
  guest.send("34 * 't' 0006 6D");
  guest.send("3C * 't' 0006 6D");
  CHECK(guest.take() == wire("50 * 0006") + wire("50 * 0006"));
  guest.leave();
  auto again = home.v311("a", false, true);
  again.send("3C * 't' 0006 6D");
  again.send("62 * 0006");
  CHECK(again.take() == wire("50 * 0006") + wire("70 * 0006"));
  CHECK(witness.take() == wire("30 * 't' 6D"));
  // The identifier is free: the next one is another message.
  again.send("34 * 't' 0006 6E");
  CHECK(witness.take() == wire("30 * 't' 6E"));
}

TEST_CASE("5.0 3.7.2.1: PUBREL and PUBREC of an unknown identifier", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("62 * 0009");
  CHECK(guest.take() == wire("70 * 0009 92"));
  guest.send("50 * 0009");
  CHECK(guest.take() == wire("62 * 0009 92"));
  auto old = home.v311("b");
  old.send("62 * 0009");
  CHECK(old.take() == wire("70 * 0009"));
}

TEST_CASE("5.0 MQTT-3.3.4-7: more than Receive Maximum ends the connection", "[session]") {
  broker_options options;
  options.receive_maximum = 2;
  world home{options};
  auto guest = home.open();
  guest.send("10 * 'MQTT' 05 02 0000 [] 'a'");
  CHECK(guest.take() == wire("20 * 00 00 [21 0002 22 0040 27 04000000]"));
  guest.send("34 * 't' 0001 []");
  guest.send("34 * 't' 0002 []");
  guest.send("62 * 0001");
  guest.send("34 * 't' 0003 []");
  CHECK_FALSE(guest.is_closed());
  guest.take();
  guest.send("34 * 't' 0004 []");
  CHECK(guest.is_closed());
  CHECK(guest.take().substr(2, 1) == "\x93");
}

// -- what is passed on ------------------------------------------------------------------------

// Proves too: 5.0 MQTT-3.3.2-15, 5.0 MQTT-3.3.2-16, 5.0 MQTT-3.3.2-17, 5.0 MQTT-3.3.2-18, 5.0
// MQTT-3.3.2-20.
TEST_CASE("5.0 MQTT-3.3.2-4: properties are passed on unaltered", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("82 * 0001 [] 't' 00");
  guest.take();
  auto packet = "30 * 't' [01 01 03 'type' 08 'answer' 09 0002 00FF 26 'b' '1' 26 'a' '2' 26 'b' "
                "'1'] 6D";
  guest.send(packet);
  CHECK(guest.take() == wire(packet));
  // Also between properties that are not passed on.
  guest.send("30 * 't' [26 'b' '1' 23 0001 01 01 09 0000 26 'a' '2'] 6D");
  CHECK(guest.take() == wire("30 * 't' [26 'b' '1' 01 01 09 0000 26 'a' '2'] 6D"));
}

TEST_CASE("3.1.1 MQTT-3.3.1-3 and 5.0 MQTT-3.3.1-3: DUP is not passed on", "[session]") {
  world home;
  auto guest = home.v311("a");
  guest.send("82 * 0001 't' 01");
  guest.take();
  guest.send("3A * 't' 0005");
  CHECK(guest.take() == wire("32 * 't' 0001") + wire("40 * 0005"));
}

TEST_CASE("Messages pass between the versions", "[session]") {
  world home;
  auto old = home.v311("a");
  auto guest = home.v5("b");
  old.send("82 * 0001 't' 01");
  guest.send("82 * 0001 [] 't' 01");
  old.take();
  guest.take();
  guest.send("30 * 't' [26 'k' 'v'] 6D");
  CHECK(old.take() == wire("30 * 't' 6D"));
  CHECK(guest.take() == wire("30 * 't' [26 'k' 'v'] 6D"));
  old.send("30 * 't' 6E");
  CHECK(old.take() == wire("30 * 't' 6E"));
  CHECK(guest.take() == wire("30 * 't' [] 6E"));
}

TEST_CASE("5.0 MQTT-3.3.2-6: the Message Expiry Interval is less by the time of waiting",
          "[session]") {
  world home;
  auto sleeper = home.v5("sleeper", "11 000003E8");
  sleeper.send("82 * 0001 [] 't' 01");
  sleeper.leave();
  auto guest = home.v5("a");
  guest.send("32 * 't' 0001 [02 0000000A] 6D");
  home.pass(4s);
  auto again = home.v5("sleeper", "11 000003E8", false, true);
  CHECK(again.take() == wire("32 * 't' 0001 [02 00000006] 6D"));
}

TEST_CASE("5.0 MQTT-3.3.2-5: a message that has expired is not delivered", "[session]") {
  world home;
  auto sleeper = home.v5("sleeper", "11 000003E8");
  sleeper.send("82 * 0001 [] 't' 01");
  sleeper.leave();
  auto guest = home.v5("a");
  guest.send("32 * 't' 0001 [02 0000000A] 6D");
  guest.send("32 * 't' 0002 [] 6E");
  home.pass(10s);
  auto again = home.v5("sleeper", "", false, true);
  CHECK(again.take() == wire("32 * 't' 0001 [] 6E"));
}

// -- retained messages ------------------------------------------------------------------------

// Proves too: 3.1.1 MQTT-3.3.1-6, 3.1.1 MQTT-3.3.1-8, 5.0 MQTT-3.3.1-5.
TEST_CASE("3.1.1 MQTT-3.3.1-5: a retained message comes with a new subscription", "[session]") {
  world home;
  auto old = home.v311("a");
  old.send("33 * 't/1' 0001 6D");
  old.send("31 * 't/2' 6E");
  old.send("31 * 't/2' 6F");
  old.take();
  old.send("82 * 0001 't/1' 02");
  CHECK(old.take() == wire("90 * 0001 02") + wire("33 * 't/1' 0001 6D"));
  auto guest = home.v5("b");
  guest.send("82 * 0001 [] 't/2' 00");
  CHECK(guest.take() == wire("90 * 0001 [] 00") + wire("31 * 't/2' [] 6F"));
}

// Proves too: 5.0 MQTT-3.3.1-12.
TEST_CASE("3.1.1 MQTT-3.3.1-9: RETAIN is not passed on to subscribers", "[session]") {
  world home;
  auto old = home.v311("a");
  auto guest = home.v5("b");
  old.send("82 * 0001 't' 00");
  guest.send("82 * 0001 [] 't' 00");
  old.take();
  guest.take();
  old.send("31 * 't' 6D");
  CHECK(old.take() == wire("30 * 't' 6D"));
  CHECK(guest.take() == wire("30 * 't' [] 6D"));
}

TEST_CASE("5.0 MQTT-3.3.1-13: RETAIN is passed on to those who ask for it", "[session]") {
  world home;
  auto guest = home.v5("b");
  guest.send("82 * 0001 [] 't' 08");
  guest.take();
  guest.send("31 * 't' [] 6D");
  guest.send("30 * 't' [] 6E");
  CHECK(guest.take() == wire("31 * 't' [] 6D") + wire("30 * 't' [] 6E"));
}

// Proves too: 3.1.1 MQTT-3.3.1-11, 5.0 MQTT-3.3.1-6, 5.0 MQTT-3.3.1-7.
TEST_CASE("3.1.1 MQTT-3.3.1-10: an empty retained message removes the other", "[session]") {
  world home;
  auto guest = home.v5("b");
  guest.send("31 * 't' [] 6D");
  guest.send("82 * 0001 [] 't' 00");
  guest.take();
  guest.send("31 * 't' []");
  // It is delivered like any other.
  CHECK(guest.take() == wire("30 * 't' []"));
  guest.send("82 * 0002 [] 't' 00");
  CHECK(guest.take() == wire("90 * 0002 [] 00"));
}

// Proves too: 5.0 MQTT-3.3.1-8.
TEST_CASE("3.1.1 MQTT-3.3.1-12: without RETAIN the retained message stays", "[session]") {
  world home;
  auto old = home.v311("b");
  old.send("31 * 't' 6D");
  old.send("30 * 't' 6E");
  old.send("30 * 't'");
  old.send("82 * 0001 't' 00");
  CHECK(old.take() == wire("90 * 0001 00") + wire("31 * 't' 6D"));
}

TEST_CASE("3.1.1 MQTT-3.1.2-7: retained messages outlive their publisher's session", "[session]") {
  world home;
  auto old = home.v311("a");
  old.send("31 * 't' 6D");
  old.leave();
  auto other = home.v311("b");
  other.send("82 * 0001 't' 00");
  CHECK(other.take() == wire("90 * 0001 00") + wire("31 * 't' 6D"));
}

TEST_CASE("5.0 3.3.2.3.3: a retained message that has expired does not come", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("31 * 't' [02 0000000A] 6D");
  home.pass(4s);
  guest.send("82 * 0001 [] 't' 00");
  CHECK(guest.take() == wire("90 * 0001 [] 00") + wire("31 * 't' [02 00000006] 6D"));
  home.pass(6s);
  guest.send("82 * 0002 [] 't' 00");
  CHECK(guest.take() == wire("90 * 0002 [] 00"));
}

// -- topic aliases ----------------------------------------------------------------------------

TEST_CASE("5.0 MQTT-3.3.2-12: a client's aliases are taken", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("82 * 0001 [] '#' 00");
  guest.take();
  guest.send("30 * 'one' [23 0001] 61");
  guest.send("30 * 'last' [23 0040] 62");
  guest.send("30 * '' [23 0001] 63");
  guest.send("30 * '' [23 0040] 64");
  guest.send("30 * 'other' [23 0001] 65");
  guest.send("30 * '' [23 0001] 66");
  CHECK(guest.take()
        == wire("30 * 'one' [] 61") + wire("30 * 'last' [] 62") + wire("30 * 'one' [] 63")
             + wire("30 * 'last' [] 64") + wire("30 * 'other' [] 65") + wire("30 * 'other' [] 66"));
}

TEST_CASE("5.0 MQTT-3.3.2-9: an alias above the maximum ends the connection", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("30 * 't' [23 0041]");
  CHECK(guest.is_closed());
  CHECK(guest.take().substr(2, 1) == "\x94");
}

TEST_CASE("5.0 MQTT-3.3.2-7: aliases end with their connection", "[session]") {
  world home;
  auto guest = home.v5("a", "11 00000064");
  guest.send("30 * 't' [23 0001]");
  guest.leave();
  auto again = home.v5("a", "", false, true);
  again.send("30 * '' [23 0001]");
  CHECK(again.is_closed());
  CHECK(again.take().substr(2, 1) == "\x94");
}

// Proves too: 5.0 MQTT-3.3.2-11.
TEST_CASE("5.0 MQTT-3.1.2-26: aliases are used up to the client's maximum", "[session]") {
  world home;
  auto guest = home.v5("a", "22 0002");
  guest.send("82 * 0001 [] '#' 00");
  guest.take();
  for (auto topic : {"one", "two", "three", "two", "one", "three"})
    guest.send("30 * '" + std::string{topic} + "' []");
  CHECK(guest.take()
        == wire("30 * 'one' [23 0001]") + wire("30 * 'two' [23 0002]") + wire("30 * 'three' []")
             + wire("30 * '' [23 0002]") + wire("30 * '' [23 0001]") + wire("30 * 'three' []"));
}

TEST_CASE("5.0 MQTT-3.1.2-27: no aliases for a client that takes none", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("82 * 0001 [] 't' 00");
  guest.take();
  guest.send("30 * 't' []");
  guest.send("30 * 't' []");
  CHECK(guest.take() == wire("30 * 't' []") + wire("30 * 't' []"));
}

// -- limits of topics and packets -------------------------------------------------------------

TEST_CASE("Topics with too many levels are refused", "[session]") {
  world home;
  auto guest = home.v5("a");
  std::string deep(most_levels - 1, '/');
  guest.send("82 * 0001 [] '" + deep + "' 00 '" + deep + "/' 00");
  CHECK(guest.take() == wire("90 * 0001 [] 00 8F"));
  guest.send("30 * '" + deep + "' []");
  CHECK(guest.take() == wire("30 * '" + deep + "' []"));
  guest.send("30 * '" + deep + "/' []");
  CHECK(guest.take().substr(2, 1) == "\x90");
}

TEST_CASE("Clients do not publish the hub's own topics", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("82 * 0001 [] '$SYS/#' 00 '$hub/#' 00 '$other' 00");
  guest.take();
  guest.send("32 * '$SYS/x' 0001 []");
  guest.send("34 * '$hub/x' 0002 []");
  guest.send("32 * '$other' 0003 []");
  CHECK(guest.take()
        == wire("40 * 0001 87") + wire("50 * 0002 87") + wire("30 * '$other' []")
             + wire("40 * 0003"));
}

TEST_CASE("3.1.1 MQTT-3.3.5-2: a client of 3.1.1 that may not publish is acknowledged",
          "[session]") {
  world home;
  auto old = home.v311("a");
  old.send("82 * 0001 '$SYS/#' 00");
  old.take();
  old.send("34 * '$SYS/x' 0001");
  old.send("62 * 0001");
  CHECK(old.take() == wire("50 * 0001") + wire("70 * 0001"));
}

// Proves too: 5.0 MQTT-3.1.2-25.
TEST_CASE("5.0 MQTT-3.1.2-24: a packet that is too long for a client counts as sent", "[session]") {
  world home;
  auto guest = home.v5("a", "27 00000014");
  guest.send("82 * 0001 [] 't' 01");
  guest.take();
  auto other = home.v5("b");
  other.send("32 * 't' 0001 [] " + std::string(24, '0')); // 20 bytes
  CHECK(guest.take() == wire("32 * 't' 0001 [] " + std::string(24, '0')));
  guest.send("40 * 0001");
  other.send("32 * 't' 0002 [] " + std::string(26, '0'));
  other.send("32 * 't' 0003 [] 6D");
  CHECK(guest.take().substr(8) == "m");
  CHECK_FALSE(guest.is_closed());
}

TEST_CASE("5.0 3.2.2.3.6: a packet that is too long for the hub ends its connection", "[session]") {
  broker_options options;
  options.largest_packet = 1000;
  world home{options};
  auto guest = home.open();
  guest.send("10 * 'MQTT' 05 02 0000 [] 'a'");
  CHECK(guest.take() == wire("20 * 00 00 [21 0400 22 0040 27 000003E8]"));
  guest.send_bytes({"\x30\x80\x10", 3});
  CHECK(guest.is_closed());
  CHECK(guest.take().substr(2, 1) == "\x95");
}
