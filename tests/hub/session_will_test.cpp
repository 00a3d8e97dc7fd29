#include "hub/world.hpp"

#include <catch2/catch.hpp>

using namespace hub_test;
using namespace std::chrono_literals;

namespace {

/// A world with a witness of all messages.
struct scene {
  scene() {
    witness.send("82 * 0001 [] '#' 2A");
    witness.take();
  }

  world home;
  client witness = home.v5("witness");

  client v5_with_will(std::string_view flags, std::string_view will_properties,
                      std::string_view properties = "") {
    auto result = home.open();
    result.send("10 * 'MQTT' 05 " + std::string{flags} + " 000A [" + std::string{properties}
                + "] 'a' [" + std::string{will_properties} + "] 'will' 'gone'");
    result.take();
    return result;
  }

  client v311_with_will(std::string_view flags) {
    auto result = home.open();
    result.send("10 * 'MQTT' 04 " + std::string{flags} + " 000A 'a' 'will' 'gone'");
    result.take();
    return result;
  }
};

} // namespace

// Proves too: 5.0 MQTT-3.1.2-8.
TEST_CASE("3.1.1 MQTT-3.1.2-8: the will comes when the connection is lost", "[session]") {
  scene it;
  it.v311_with_will("06").leave();
  CHECK(it.witness.take() == wire("30 * 'will' [] 676F6E65"));
  it.v5_with_will("06", "").leave();
  CHECK(it.witness.take() == wire("30 * 'will' [] 676F6E65"));
}

TEST_CASE("3.1.1 MQTT-3.1.2-10 and 5.0 MQTT-3.1.2-10: DISCONNECT discards the will", "[session]") {
  scene it;
  auto old = it.v311_with_will("06");
  old.send("E0 *");
  old.leave();
  auto guest = it.v5_with_will("06", "");
  guest.send("E0 *");
  guest.leave();
  it.home.pass(24h);
  CHECK(it.witness.take().empty());
}

TEST_CASE("A will to a topic of the hub's own, or to one that is too deep, is refused",
          "[session]") {
  scene it;
  auto deep = "'" + std::string(most_levels, '/') + "'";
  auto [topic, code] = GENERATE_COPY(
    table<std::string, std::string>({{"'$SYS/x'", "87"}, {"'$hub/lost'", "87"}, {deep, "90"}}));
  auto guest = it.home.open();
  guest.send("10 * 'MQTT' 05 26 0000 [] 'a' [] " + topic + " 'gone'");
  CHECK(guest.take() == wire("20 * 00 " + code + " []"));
  CHECK(guest.is_closed());
  auto old = it.home.open();
  old.send("10 * 'MQTT' 04 26 0000 'a' " + topic + " 'gone'");
  CHECK(old.take() == wire("20 * 00 05"));
  CHECK(old.is_closed());
}

TEST_CASE("5.0 3.14.2.1: DISCONNECT with will publishes it", "[session]") {
  scene it;
  auto guest = it.v5_with_will("06", "");
  guest.send("E0 * 04");
  CHECK(it.witness.take() == wire("30 * 'will' [] 676F6E65"));
  guest.leave();
  CHECK(it.witness.take().empty());
}

TEST_CASE("3.1.1 MQTT-3.1.2-12: without Will Flag there is no will", "[session]") {
  scene it;
  it.home.v311("a").leave();
  CHECK(it.witness.take().empty());
}

// Proves too: 5.0 MQTT-3.1.2-14.
TEST_CASE("3.1.1 MQTT-3.1.2-16: a will without Will Retain is not retained", "[session]") {
  scene it;
  it.v311_with_will("06").leave();
  it.witness.take();
  it.witness.send("82 * 0002 [] 'will' 00");
  CHECK(it.witness.take() == wire("90 * 0002 [] 00"));
}

// Proves too: 5.0 MQTT-3.1.2-15.
TEST_CASE("3.1.1 MQTT-3.1.2-17: a will with Will Retain is retained", "[session]") {
  scene it;
  it.v311_with_will("26").leave();
  CHECK(it.witness.take() == wire("31 * 'will' [] 676F6E65"));
  it.witness.send("82 * 0002 [] 'will' 00");
  CHECK(it.witness.take() == wire("90 * 0002 [] 00") + wire("31 * 'will' [] 676F6E65"));
}

TEST_CASE("5.0 MQTT-3.1.2-7: a will has its QoS and its properties", "[session]") {
  scene it;
  it.v5_with_will("0E", "01 01 03 'text' 26 'k' 'v' 02 0000000A").leave();
  CHECK(it.witness.take()
        == wire("32 * 'will' 0001 [02 0000000A 01 01 03 'text' 26 'k' 'v'] 676F6E65"));
}

TEST_CASE("5.0 MQTT-3.1.3-10: a will's user properties keep their order", "[session]") {
  scene it;
  it.v5_with_will("06", "26 'b' '1' 18 00000000 26 'a' '2' 26 'b' '3'").leave();
  CHECK(it.witness.take() == wire("30 * 'will' [26 'b' '1' 26 'a' '2' 26 'b' '3'] 676F6E65"));
}

TEST_CASE("5.0 MQTT-3.1.3-9: a client that is back in time has no will", "[session]") {
  scene it;
  it.v5_with_will("06", "18 00000005", "11 00000064").leave();
  it.home.pass(4999ms);
  it.home.v5("a", "11 00000064", false, true).leave();
  it.home.pass(24h);
  CHECK(it.witness.take().empty());
}

TEST_CASE("5.0 3.1.3.2.2: a will is delayed", "[session]") {
  scene it;
  it.v5_with_will("06", "18 00000005", "11 00000064").leave();
  it.home.pass(4999ms);
  CHECK(it.witness.take().empty());
  it.home.pass(1ms);
  CHECK(it.witness.take() == wire("30 * 'will' [] 676F6E65"));
  it.home.pass(24h);
  CHECK(it.witness.take().empty());
}

TEST_CASE("5.0 3.1.3.2.2: a delayed will comes when its session ends", "[session]") {
  scene it;
  it.v5_with_will("06", "18 00000064", "11 00000005").leave();
  it.home.pass(5s);
  CHECK(it.witness.take() == wire("30 * 'will' [] 676F6E65"));
  // No expiry: the session ends at once.
  it.v5_with_will("06", "18 00000064").leave();
  CHECK(it.witness.take() == wire("30 * 'will' [] 676F6E65"));
  // A clean start ends it.
  it.v5_with_will("06", "18 00000064", "11 00000064").leave();
  it.home.v5("a");
  CHECK(it.witness.take() == wire("30 * 'will' [] 676F6E65"));
}

TEST_CASE("The will of a client that is replaced comes", "[session]") {
  scene it;
  auto first = it.v311_with_will("06");
  it.home.v311("a");
  CHECK(it.witness.take() == wire("30 * 'will' [] 676F6E65"));
  first.leave();
  CHECK(it.witness.take().empty());
}

TEST_CASE("The will of a client that breaks the protocol, or is silent, comes", "[session]") {
  scene it;
  auto wrong = it.v311_with_will("06");
  wrong.send("30 * ''");
  CHECK(it.witness.take() == wire("30 * 'will' [] 676F6E65"));
  auto silent = it.v311_with_will("06");
  it.home.pass(15s);
  CHECK(silent.is_closed());
  CHECK(it.witness.take() == wire("30 * 'will' [] 676F6E65"));
}
