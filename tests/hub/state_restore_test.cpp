// What outlives the hub. Each case ends the hub in both ways: it stops, or it is killed.

#include "hub/kept_world.hpp"

#include <catch2/catch.hpp>

using namespace hub_test;
using namespace std::chrono_literals;

namespace {

/// Ends and starts the hub, as the case's section says.
void again(kept_world& home, bool is_killed) {
  if (is_killed)
    home.crash();
  else
    home.restart();
}

const char* const lasting = "11 00000E10"; // an hour

} // namespace

TEST_CASE("Retained messages outlive the hub, with their properties", "[state]") {
  auto is_killed = GENERATE(false, true);
  kept_world home;
  auto publisher = home->v5("a");
  publisher.send("31 * 'keep' [01 01 26 'k' 'v'] 31");
  publisher.send("33 * 'two' 0001 [] 32");
  publisher.send("31 * 'gone' [] 33");
  publisher.send("31 * 'gone' []");
  publisher.send("31 * 'two' [] 34");
  for (int round = 0; round < 3; ++round) {
    again(home, is_killed);
    auto guest = home->v5("b");
    guest.send("82 * 0001 [] '#' 01");
    auto received = guest.take();
    CHECK(received.find(wire("31 * 'keep' [01 01 26 'k' 'v'] 31")) != received.npos);
    CHECK(received.find(wire("31 * 'two' [] 34")) != received.npos);
    CHECK(received.find("gone") == received.npos);
  }
}

TEST_CASE("A retained message expires while no hub runs", "[state]") {
  auto is_killed = GENERATE(false, true);
  kept_world home;
  auto publisher = home->v5("a");
  publisher.send("31 * 'soon' [02 0000000A] 31");
  publisher.send("31 * 'late' [02 00000064] 32");
  home.sleep(40s);
  again(home, is_killed);
  auto guest = home->v5("b");
  guest.send("82 * 0001 [] '#' 00");
  CHECK(guest.take() == wire("90 * 0001 [] 00") + wire("31 * 'late' [02 0000003C] 32"));
}

TEST_CASE("Sessions outlive the hub with their subscriptions", "[state]") {
  auto is_killed = GENERATE(false, true);
  kept_world home;
  auto guest = home->v5("a", lasting);
  guest.send("82 * 0001 [0B 07] 'x/+' 09");
  guest.send("82 * 0002 [] 'no' 02");
  guest.send("82 * 0003 [] '$share/g/s' 01");
  guest.send("A2 * 0004 [] 'no'");
  auto old = home->v311("b", false);
  old.send("82 * 0001 'x/1' 01");
  home->v311("clean").send("82 * 0001 'x/1' 01");
  for (int round = 0; round < 3; ++round) {
    again(home, is_killed);
    auto publisher = home->v5("p");
    publisher.send("32 * 'x/1' 0001 [] 31");
    CHECK(publisher.take() == wire("40 * 0001"));
    publisher.send("32 * 'no' 0002 [] 32");
    CHECK(publisher.take() == wire("40 * 0002 10"));
    publisher.send("32 * 's' 0003 [] 33");
    auto back = home->v5("a", lasting, false, true);
    // Retain As Published, and the identifier.
    CHECK(back.take().substr(2)
          == wire("32 * 'x/1' 0001 [0B 07] 31").substr(2) + wire("32 * 's' 0002 [] 33"));
    back.send("40 * 0001");
    back.send("40 * 0002");
    auto old_back = home->v311("b", false, true);
    CHECK(old_back.take() == wire("32 * 'x/1' 0001 31"));
    old_back.send("40 * 0001");
    home->v311("clean", false, false).send("E0 *");
    home->v311("clean", true, false);
  }
}

TEST_CASE("Messages outlive the hub while they wait, and while they are under way", "[state]") {
  auto is_killed = GENERATE(false, true);
  kept_world home;
  auto guest = home->v5("a", std::string{lasting} + " 21 0003");
  guest.send("82 * 0001 [] 't' 02");
  auto publisher = home->v5("p");
  for (auto text : {"34 * 't' 0001 [] 31", "34 * 't' 0002 [] 32", "32 * 't' 0003 [] 33",
                    "32 * 't' 0004 [] 34", "30 * 't' [] 35"})
    publisher.send(text);
  guest.take();
  // Of the first the client has said that it has it.
  guest.send("50 * 0001");
  CHECK(guest.take() == wire("62 * 0001"));
  again(home, is_killed);
  auto back = home->v5("a", lasting, false, true);
  CHECK(back.take()
        == wire("62 * 0001") + wire("3C * 't' 0002 [] 32") + wire("3A * 't' 0003 [] 33")
             + wire("32 * 't' 0004 [] 34"));
  back.send("70 * 0001");
  back.send("40 * 0003");
  again(home, is_killed);
  back = home->v5("a", lasting, false, true);
  CHECK(back.take() == wire("3C * 't' 0002 [] 32") + wire("3A * 't' 0004 [] 34"));
  back.send("50 * 0002");
  back.send("70 * 0002");
  back.send("40 * 0004");
  again(home, is_killed);
  CHECK(home->v5("a", lasting, false, true).take().empty());
}

TEST_CASE("A message of QoS 2 that was acknowledged is not taken again after a restart",
          "[state]") {
  auto is_killed = GENERATE(false, true);
  kept_world home;
  auto reader = home->v5("r", lasting);
  reader.send("82 * 0001 [] 't' 02");
  auto publisher = home->v5("p", lasting);
  publisher.send("34 * 't' 0007 [] 31");
  CHECK(publisher.take() == wire("50 * 0007"));
  again(home, is_killed);
  publisher = home->v5("p", lasting, false, true);
  publisher.send("3C * 't' 0007 [] 31");
  CHECK(publisher.take() == wire("50 * 0007"));
  publisher.send("62 * 0007");
  CHECK(publisher.take() == wire("70 * 0007"));
  again(home, is_killed);
  // The identifier is free, so this is another message.
  publisher = home->v5("p", lasting, false, true);
  publisher.send("34 * 't' 0007 [] 32");
  CHECK(publisher.take() == wire("50 * 0007"));
  reader = home->v5("r", lasting, false, true);
  CHECK(reader.take() == wire("3C * 't' 0001 [] 31") + wire("34 * 't' 0002 [] 32"));
}

TEST_CASE("Sessions end in time, also while no hub runs", "[state]") {
  auto is_killed = GENERATE(false, true);
  kept_world home;
  auto away = home->v5("away", "11 00000064");
  away.leave();
  home->v5("here", "11 00000064");
  home->v5("forever", "11 FFFFFFFF");
  home->pass(60s);
  home.sleep(30s);
  again(home, is_killed);
  // Who was connected has the whole time from the end of the hub on.
  home->pass(50s);
  home->v5("away", "11 00000064", false, false);
  home->v5("here", "11 00000064", false, true);
  home.sleep(1000000s);
  again(home, is_killed);
  home->pass(101s);
  home->v5("here", "", false, false);
  home->v5("forever", "11 FFFFFFFF", false, true);
}

TEST_CASE("A session is removed when its client asks for a clean one, or for none after it",
          "[state]") {
  auto is_killed = GENERATE(false, true);
  kept_world home;
  for (auto id : {"a", "b", "c"}) {
    auto guest = home->v5(id, lasting);
    guest.send("82 * 0001 [] 't' 01");
  }
  home->v5("a", lasting, true, false);
  home->v5("b", "", false, true);
  home->v5("c", lasting, false, true).send("E0 * 00 [11 00000000]");
  auto publisher = home->v5("p");
  publisher.send("32 * 't' 0001 [] 31");
  again(home, is_killed);
  home->v5("a", lasting, false, true);
  home->v5("b", lasting, false, false);
  home->v5("c", lasting, false, false);
  publisher = home->v5("p");
  publisher.send("32 * 't' 0001 [] 31");
  CHECK(publisher.take() == wire("40 * 0001 10"));
}

TEST_CASE("A session belongs to its user after a restart, too", "[state]") {
  auto is_killed = GENERATE(false, true);
  kept_world home;
  home->v5("a", lasting);
  again(home, is_killed);
  auto thief = home->open("uid 2");
  thief.send("10 * 'MQTT' 05 00 0000 [] 'a'");
  CHECK(thief.take() == wire("20 * 00 85 []"));
  home->v5("a", lasting, false, true);
}

TEST_CASE("The will of a client that was connected comes when the hub is back", "[state]") {
  auto is_killed = GENERATE(false, true);
  kept_world home;
  auto reader = home->v5("r", lasting);
  reader.send("82 * 0001 [] 'will' 01");
  reader.leave();
  // At once, after a delay, with the end of its session; and one that said good-bye.
  home->open().send("10 * 'MQTT' 05 0E 0000 [] 'now' [02 00000064] 'will' 0001 31");
  home->open().send("10 * 'MQTT' 05 0E 0000 [11 00000E10] 'late' [18 0000000A] 'will' 0001 32");
  auto polite = home->open();
  polite.send("10 * 'MQTT' 05 0E 0000 [] 'polite' [] 'will' 0001 33");
  polite.send("E0 *");
  again(home, is_killed);
  reader = home->v5("r", lasting, false, true);
  CHECK(reader.take() == wire("32 * 'will' 0001 [02 00000064] 31"));
  reader.send("40 * 0001");
  again(home, is_killed);
  reader = home->v5("r", lasting, false, true);
  CHECK(reader.take().empty());
  // Its time began with the first end.
  home->pass(10s);
  CHECK(reader.take() == wire("32 * 'will' 0001 [] 32"));
  reader.send("40 * 0001");
  again(home, is_killed);
  home->pass(100s);
  CHECK(home->v5("r", lasting, false, true).take().empty());
}

TEST_CASE("Losses are told after a restart", "[state]") {
  auto is_killed = GENERATE(false, true);
  auto policy = GENERATE(overflow::drop_oldest, overflow::drop_newest);
  broker_options options;
  options.queue_messages = 2;
  options.overflow = policy;
  kept_world home{options};
  auto guest = home->v5("a", lasting);
  guest.send("82 * 0001 [] 't' 01");
  guest.leave();
  auto publisher = home->v5("p");
  for (auto text : {"31", "32", "33", "34", "35"})
    publisher.send("32 * 't' 0001 [] " + std::string{text});
  again(home, is_killed);
  auto back = home->v5("a", lasting, false, true);
  auto lost = std::string{"[26 'lost' '3']"};
  if (policy == overflow::drop_oldest) {
    CHECK(back.take() == wire("32 * 't' 0001 " + lost + " 34") + wire("32 * 't' 0002 [] 35"));
    return;
  }
  CHECK(back.take() == wire("32 * 't' 0001 [] 31") + wire("32 * 't' 0002 [] 32"));
  again(home, is_killed);
  publisher = home->v5("p");
  back = home->v5("a", lasting, false, true);
  back.take();
  publisher.send("32 * 't' 0001 [] 36");
  CHECK(back.take() == wire("32 * 't' 0003 " + lost + " 36"));
}

TEST_CASE("Messages expire while no hub runs", "[state]") {
  auto is_killed = GENERATE(false, true);
  kept_world home;
  auto guest = home->v5("a", lasting);
  guest.send("82 * 0001 [] 't' 01");
  guest.leave();
  auto publisher = home->v5("p");
  publisher.send("32 * 't' 0001 [02 0000000A] 31");
  publisher.send("32 * 't' 0002 [02 00000064] 32");
  home.sleep(40s);
  again(home, is_killed);
  auto back = home->v5("a", lasting, false, true);
  CHECK(back.take() == wire("32 * 't' 0001 [02 0000003C] 32"));
}
