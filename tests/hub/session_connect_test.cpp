#include "hub/world.hpp"

#include <catch2/catch.hpp>

using namespace hub_test;
using namespace std::chrono_literals;

namespace {

/// What comes when a client sends this and nothing before it.
std::string first_answer(std::string_view notation, bool is_closed) {
  world home;
  auto guest = home.open();
  guest.send(notation);
  CHECK(guest.is_closed() == is_closed);
  return guest.take();
}

} // namespace

// -- CONNECT comes first, and once ------------------------------------------------------------

TEST_CASE("3.1.1 MQTT-3.1.0-1 and 5.0 MQTT-3.1.0-1: the first packet is CONNECT", "[session]") {
  CHECK(first_answer("C0 *", true).empty());
  CHECK(first_answer("30 * 't'", true).empty());
}

TEST_CASE("3.1.1 MQTT-3.1.0-2: a second CONNECT ends the connection", "[session]") {
  world home;
  auto guest = home.v311("a");
  guest.send("10 * 'MQTT' 04 02 0000 'a'");
  CHECK(guest.is_closed());
  CHECK(guest.take().empty());
}

TEST_CASE("5.0 MQTT-3.1.0-2: a second CONNECT ends the connection", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("10 * 'MQTT' 05 02 0000 [] 'a'");
  CHECK(guest.is_closed());
  CHECK(guest.take().substr(2, 1) == "\x82");
}

// Proves too: 3.1.1 MQTT-3.2.2-5.
TEST_CASE("3.1.1 MQTT-3.1.2-2: an unknown level is answered and closed", "[session]") {
  CHECK(first_answer("10 * 'MQTT' 03 02 0000 'id'", true) == wire("20 * 00 01"));
}

TEST_CASE("5.0 MQTT-3.1.2-2: a later version is answered in 5.0 and closed", "[session]") {
  CHECK(first_answer("10 * 'MQTT' 06 02 0000 [] 'id'", true) == wire("20 * 00 84 []"));
}

TEST_CASE("3.1.1 MQTT-3.1.4-1: a wrong CONNECT is not answered", "[session]") {
  CHECK(first_answer("10 * 'MQTT' 04 03 0000 'id'", true).empty());
}

TEST_CASE("5.0 MQTT-3.1.4-1: a wrong CONNECT ends the connection", "[session]") {
  CHECK(first_answer("10 * 'MQTT' 05 03 0000 [] 'id'", true) == wire("20 * 00 81 []"));
}

// Proves too: 5.0 MQTT-3.1.4-6.
TEST_CASE("3.1.1 MQTT-3.1.4-5: what follows a refused CONNECT is ignored", "[session]") {
  world home;
  auto witness = home.v311("witness");
  witness.send("82 * 0001 '#' 00");
  witness.take();
  auto guest = home.open();
  auto bytes = wire("10 * 'MQTT' 04 00 0000 ''") + wire("31 * 't' 6D");
  guest.send_bytes(bytes);
  CHECK(guest.is_closed());
  guest.send("31 * 't' 6D");
  CHECK(witness.take().empty());
}

TEST_CASE("3.1.1 MQTT-3.1.4-4 and 3.1.1 MQTT-3.2.0-1: CONNECT is acknowledged first", "[session]") {
  CHECK(first_answer("10 * 'MQTT' 04 02 0000 'id'", false) == wire("20 * 00 00"));
}

TEST_CASE("5.0 MQTT-3.1.4-5 and 5.0 MQTT-3.2.0-1: CONNECT is acknowledged first", "[session]") {
  CHECK(first_answer("10 * 'MQTT' 05 02 0000 [] 'id'", false).substr(0, 4) == wire("20 0E 0000"));
}

TEST_CASE("5.0 4.12: an authentication method is refused", "[session]") {
  CHECK(first_answer("10 * 'MQTT' 05 02 0000 [15 'method'] 'id'", true) == wire("20 * 00 8C []"));
}

TEST_CASE("5.0 4.12: AUTH without a method in CONNECT is a protocol error", "[session]") {
  world home;
  auto guest = home.v5("a");
  guest.send("F0 * 18 [15 'm']");
  CHECK(guest.is_closed());
  CHECK(guest.take().substr(2, 1) == "\x82");
}

// -- client identifiers -----------------------------------------------------------------------

TEST_CASE("3.1.1 MQTT-3.1.3-5: identifiers of letters and digits are taken", "[session]") {
  CHECK(first_answer("10 * 'MQTT' 04 02 0000 '0123456789abcdefghijklm'", false)
        == wire("20 * 00 00"));
  CHECK(first_answer("10 * 'MQTT' 04 02 0000 'NOPQRSTUVWXYZABCDEFGHIJ'", false)
        == wire("20 * 00 00"));
}

TEST_CASE("3.1.1 MQTT-3.1.3-6: an empty identifier of a clean session is taken", "[session]") {
  world home;
  auto first = home.v311("");
  auto second = home.v311("");
  CHECK_FALSE(first.is_closed());
  CHECK_FALSE(second.is_closed());
}

// Proves too: 3.1.1 MQTT-3.1.3-7.
TEST_CASE("3.1.1 MQTT-3.1.3-8: an empty identifier needs a clean session", "[session]") {
  CHECK(first_answer("10 * 'MQTT' 04 00 0000 ''", true) == wire("20 * 00 02"));
}

// Proves too: 5.0 MQTT-3.1.3-7.
TEST_CASE("5.0 MQTT-3.1.3-6: an identifier is assigned, and told", "[session]") {
  world home;
  auto first = home.open();
  first.send("10 * 'MQTT' 05 02 0000 [] ''");
  CHECK(first.take() == wire("20 * 00 00 [21 0400 22 0040 27 04000000 12 'hub-1']"));
  auto second = home.open();
  second.send("10 * 'MQTT' 05 00 0000 [] ''");
  CHECK(second.take() == wire("20 * 00 00 [21 0400 22 0040 27 04000000 12 'hub-2']"));
}

TEST_CASE("3.1.1 MQTT-3.1.4-2: a client that connects again replaces itself", "[session]") {
  world home;
  auto first = home.v311("a");
  auto second = home.v311("a");
  CHECK(first.is_closed());
  CHECK_FALSE(second.is_closed());
}

TEST_CASE("5.0 MQTT-3.1.4-3: a client that connects again replaces itself", "[session]") {
  world home;
  auto first = home.v5("a");
  auto second = home.v5("a");
  CHECK(first.is_closed());
  CHECK(first.take().substr(2, 1) == "\x8E");
  CHECK_FALSE(second.is_closed());
}

// Proves too: 5.0 MQTT-3.1.3-8.
TEST_CASE("3.1.1 MQTT-3.1.3-9: another user's identifier is refused", "[session]") {
  world home;
  auto first = home.v5("a");
  auto thief = home.open("uid 2");
  thief.send("10 * 'MQTT' 05 02 0000 [] 'a'");
  CHECK(thief.take() == wire("20 * 00 85 []"));
  CHECK(thief.is_closed());
  auto other = home.open("uid 2");
  other.send("10 * 'MQTT' 04 02 0000 'a'");
  CHECK(other.take() == wire("20 * 00 02"));
  CHECK_FALSE(first.is_closed());
}

// -- sessions ---------------------------------------------------------------------------------

TEST_CASE("3.1.1 MQTT-3.1.2-4 and 3.1.1 MQTT-3.2.2-2: a session goes on", "[session]") {
  world home;
  auto first = home.v311("a", false);
  first.send("82 * 0001 't' 01");
  first.leave();
  home.pass(24h * 365);
  auto second = home.v311("a", false, true);
  auto other = home.v311("b");
  other.send("30 * 't' 6D");
  CHECK(second.take() == wire("30 * 't' 6D"));
}

TEST_CASE("3.1.1 MQTT-3.1.2-6 and 3.1.1 MQTT-3.2.2-1: a clean session is a new one", "[session]") {
  world home;
  auto first = home.v311("a", false);
  first.send("82 * 0001 't' 01");
  first.leave();
  auto second = home.v311("a", true, false);
  second.leave();
  auto third = home.v311("a", false, false);
  auto other = home.v311("b");
  other.send("30 * 't' 6D");
  CHECK(third.take().empty());
}

TEST_CASE("5.0 MQTT-3.1.2-4 and 5.0 MQTT-3.2.2-2: Clean Start discards the session", "[session]") {
  world home;
  auto first = home.v5("a", "11 00000064");
  first.send("82 * 0001 [] 't' 01");
  first.leave();
  auto second = home.v5("a", "11 00000064", true, false);
  auto other = home.v5("b");
  other.send("30 * 't' [] 6D");
  CHECK(second.take().empty());
}

TEST_CASE("5.0 MQTT-3.1.2-5 and 5.0 MQTT-3.2.2-3: a session goes on", "[session]") {
  world home;
  auto first = home.v5("a", "11 00000064");
  first.send("82 * 0001 [] 't' 01");
  first.leave();
  auto second = home.v5("a", "", false, true);
  auto other = home.v5("b");
  other.send("30 * 't' [] 6D");
  CHECK(second.take() == wire("30 * 't' [] 6D"));
}

TEST_CASE("5.0 MQTT-3.1.2-6: without a session a new one is made", "[session]") {
  world home;
  home.v5("a", "", false, false);
}

TEST_CASE("5.0 MQTT-3.1.2-23: a session lasts for its expiry interval, and no longer",
          "[session]") {
  world home;
  home.v5("a", "11 0000000A").leave();
  home.pass(9999ms);
  home.v5("a", "11 0000000A", false, true).leave();
  home.pass(10s);
  home.v5("a", "", false, false).leave();
  // Without an interval the session ends with its connection.
  home.v5("a", "", false, false);
}

TEST_CASE("5.0 3.14.2.2.2: DISCONNECT may change the expiry, but not from 0", "[session]") {
  world home;
  auto first = home.v5("a", "11 0000000A");
  first.send("E0 * 00 [11 00000064]");
  CHECK(first.is_closed());
  first.leave();
  home.pass(50s);
  auto second = home.v5("a", "", false, true);
  second.take();
  second.send("E0 * 00 [11 00000064]");
  CHECK(second.take().substr(2, 1) == "\x82");
}

TEST_CASE("5.0 4.1: a session goes on in the other version", "[session]") {
  world home;
  auto first = home.v5("a", "11 FFFFFFFF");
  first.send("82 * 0001 [] 't' 01");
  first.leave();
  home.v311("a", false, true).leave();
  home.v5("a", "", false, true);
}

// -- keep alive -------------------------------------------------------------------------------

TEST_CASE("3.1.1 MQTT-3.1.2-24: a silent client is disconnected after 1.5 times its keep alive",
          "[session]") {
  world home;
  auto guest = home.open();
  guest.send("10 * 'MQTT' 04 02 000A 'a'");
  home.pass(10s);
  guest.send("C0 *");
  home.pass(14999ms);
  CHECK_FALSE(guest.is_closed());
  home.pass(1ms);
  CHECK(guest.is_closed());
}

TEST_CASE("5.0 MQTT-3.1.2-22: a silent client is disconnected after 1.5 times its keep alive",
          "[session]") {
  world home;
  auto guest = home.open();
  guest.send("10 * 'MQTT' 05 02 000A [] 'a'");
  guest.take();
  home.pass(14999ms);
  CHECK_FALSE(guest.is_closed());
  home.pass(1ms);
  CHECK(guest.is_closed());
  CHECK(guest.take().substr(2, 1) == "\x8D");
}

TEST_CASE("5.0 MQTT-3.1.2-21: a longer keep alive than the server's is replaced", "[session]") {
  world home;
  auto guest = home.open();
  guest.send("10 * 'MQTT' 05 02 0078 [] 'a'");
  CHECK(guest.take() == wire("20 * 00 00 [21 0400 22 0040 27 04000000 13 003C]"));
  home.pass(89999ms);
  CHECK_FALSE(guest.is_closed());
  home.pass(1ms);
  CHECK(guest.is_closed());
}

TEST_CASE("5.0 MQTT-3.2.2-22: without Server Keep Alive the client's own counts", "[session]") {
  world home;
  auto guest = home.open();
  guest.send("10 * 'MQTT' 05 02 0000 [] 'a'");
  home.pass(24h);
  CHECK_FALSE(guest.is_closed());
}

TEST_CASE("A connection without CONNECT is closed in time, also with half a packet", "[session]") {
  world home;
  auto guest = home.open();
  home.pass(9s);
  guest.send_bytes("\x10");
  CHECK_FALSE(guest.is_closed());
  home.pass(1s);
  CHECK(guest.is_closed());
  CHECK(guest.take().empty());
}

TEST_CASE("3.1.1 MQTT-3.12.4-1 and 5.0 MQTT-3.12.4-1: PINGREQ is answered", "[session]") {
  world home;
  auto old = home.v311("a");
  old.send("C0 *");
  CHECK(old.take() == wire("D0 *"));
  auto guest = home.v5("b");
  guest.send("C0 *");
  CHECK(guest.take() == wire("D0 *"));
}

// -- the end ----------------------------------------------------------------------------------

// Proves too: 5.0 MQTT-4.13.1-1.
TEST_CASE("3.1.1 MQTT-4.8.0-1: a wrong packet ends its connection alone", "[session]") {
  world home;
  auto good = home.v311("good");
  auto old = home.v311("a");
  old.send("30 * '#'");
  CHECK(old.is_closed());
  CHECK(old.take().empty());
  auto guest = home.v5("b");
  guest.send("82 * 0001 [] 'a#' 00");
  CHECK(guest.is_closed());
  auto bytes = guest.take();
  packet decoded;
  REQUIRE_FALSE(decode_wire(bytes, version::v5, side::server, decoded));
  auto& x = std::get<mqtt::disconnect>(decoded);
  CHECK(x.code == reason::topic_filter_invalid);
  CHECK(x.properties.text(property_id::reason_string)->find("[MQTT-4.7.1-2]")
        != std::string_view::npos);
  good.send("C0 *");
  CHECK(good.take() == wire("D0 *"));
}

TEST_CASE("a client that was told why its connection ends gets time to read it", "[session]") {
  world home;
  // 5.0: by DISCONNECT, or by CONNACK before the session began.
  auto guest = home.v5("a");
  guest.send("36 * 't'");
  CHECK(guest.is_told());
  auto stranger = home.open();
  stranger.send("10 * 'MQTT' 05 03 0000 [] 'b'");
  CHECK(stranger.is_told());
  // 3.1.1, and versions that are not known: only by CONNACK.
  auto refused = home.open();
  refused.send("10 * 'MQTT' 04 00 0000 ''");
  CHECK(refused.is_told());
  auto future = home.open();
  future.send("10 * 'MQTT' 09 02 0000 'c'");
  CHECK(future.is_told());
  auto mute = home.open();
  mute.send("C0 *");
  CHECK(mute.is_closed());
  CHECK_FALSE(mute.is_told());
  auto old = home.v311("c");
  old.send("36 * 't'");
  CHECK(old.is_closed());
  CHECK_FALSE(old.is_told());
  // A client that says good-bye waits for nothing.
  auto polite = home.v5("d");
  polite.send("E0 *");
  CHECK(polite.is_closed());
  CHECK_FALSE(polite.is_told());
}

TEST_CASE("5.0 MQTT-3.14.2-3: a reason string that makes DISCONNECT too long is left out",
          "[session]") {
  world home;
  auto guest = home.open();
  guest.send("10 * 'MQTT' 05 02 0000 [27 00000020] 'a'");
  guest.take();
  guest.send("30 * '#' []");
  CHECK(guest.take() == wire("E0 * 90"));
}

TEST_CASE("3.1.1 MQTT-3.14.4-1 and 5.0 MQTT-3.14.4-1: nothing follows DISCONNECT", "[session]") {
  world home;
  auto guest = home.v311("a");
  guest.send_bytes(wire("E0 *") + wire("C0 *"));
  CHECK(guest.is_closed());
  CHECK(guest.take().empty());
}

TEST_CASE("A hub that ends says so", "[session]") {
  world home;
  auto old = home.v311("a");
  auto guest = home.v5("b");
  auto silent = home.open();
  home.hub.shut_down();
  home.hub.flush(home.now);
  CHECK(old.take().empty());
  CHECK(guest.take() == wire("E0 * 8B"));
  CHECK(old.is_closed());
  CHECK(guest.is_closed());
  CHECK(silent.is_closed());
}
