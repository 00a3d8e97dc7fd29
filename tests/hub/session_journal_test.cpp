// The broker and its journal: what is written when, and what clients are told if it cannot be.

#include "hub/memory_journal.hpp"
#include "hub/world.hpp"

#include <catch2/catch.hpp>

using namespace hub_test;
using namespace std::chrono_literals;

namespace {

const char* const lasting = "11 00000E10"; // an hour

struct fixture {
  memory_journal log;
  world home{{}, log, {}, {}};

  /// Sends bytes without the end of the turn.
  void begin(const client& from, std::string_view notation) {
    home.hub.received(from.id(), wire(notation), home.now);
  }
};

} // namespace

TEST_CASE("All events of a turn are one commit, and answers come after it", "[session]") {
  fixture f;
  auto reader = f.home.v5("r", lasting);
  reader.send("82 * 0001 [] 't' 02");
  reader.take();
  auto publisher = f.home.v5("p", lasting);
  f.log.commits = 0;
  f.begin(publisher, "32 * 't' 0001 [] 31");
  f.begin(publisher, "34 * 't' 0002 [] 32");
  CHECK(publisher.take().empty());
  CHECK(reader.take().empty());
  CHECK(f.log.commits == 0);
  f.home.hub.flush(f.home.now);
  CHECK(f.log.commits == 1);
  CHECK(publisher.take() == wire("40 * 0001") + wire("50 * 0002"));
  CHECK(reader.take() == wire("32 * 't' 0001 [] 31") + wire("34 * 't' 0002 [] 32"));
  f.home.hub.flush(f.home.now);
  CHECK(f.log.commits == 1);
}

TEST_CASE("QoS 0 and sessions that end with their connection are not written", "[session]") {
  fixture f;
  auto reader = f.home.v5("r");
  reader.send("82 * 0001 [] 't' 02");
  auto kept = f.home.v5("k", lasting);
  kept.send("82 * 0001 [] 'q' 02");
  f.log.commits = 0;
  auto publisher = f.home.v5("p");
  publisher.send("34 * 't' 0001 [] 31");
  publisher.send("62 * 0001");
  publisher.send("30 * 'q' [] 32");
  reader.send("50 * 0001");
  reader.send("70 * 0001");
  CHECK(f.log.commits == 0);
}

TEST_CASE("If the journal fails, who was promised something is disconnected", "[session]") {
  fixture f;
  auto reader = f.home.v5("r", lasting);
  reader.send("82 * 0001 [] 't' 02");
  reader.take();
  auto publisher = f.home.v5("p");
  auto old = f.home.v311("o");
  auto other = f.home.v5("q");
  other.send("82 * 0001 [] 'u' 00");
  other.take();
  f.log.fails = true;
  f.begin(publisher, "34 * 't' 0001 [] 31");
  f.begin(old, "32 * 't' 0001 32");
  f.begin(other, "30 * 'u' [] 33");
  f.home.hub.flush(f.home.now);
  auto told = wire("E0 * 97 [1F 'the hub cannot write its state file now']");
  CHECK(publisher.take() == told);
  CHECK(publisher.is_told());
  // The message of QoS 2 must not come before it lasts.
  CHECK(reader.take() == told);
  CHECK(old.take().empty());
  CHECK(old.is_closed());
  CHECK(other.take() == wire("30 * 'u' [] 33"));
  CHECK_FALSE(other.is_closed());
}

TEST_CASE("A CONNECT whose session cannot be written is refused", "[session]") {
  fixture f;
  f.log.fails = true;
  auto guest = f.home.open();
  guest.send("10 * 'MQTT' 05 06 0000 [11 00000E10] 'a' [] 'will' 0001 31");
  CHECK(guest.take() == wire("20 * 00 97 []"));
  CHECK(guest.is_told());
  CHECK(f.home.hub.is_failing());
  // And at once from then on: also by its will, and by the session that it would end.
  auto second = f.home.open();
  second.send("10 * 'MQTT' 05 02 0000 [11 00000E10] 'b'");
  CHECK(second.take() == wire("20 * 00 97 []"));
  auto third = f.home.open();
  third.send("10 * 'MQTT' 04 06 0000 'c' 'will' 0001 31");
  CHECK(third.take() == wire("20 * 00 03"));
  auto fourth = f.home.open();
  fourth.send("10 * 'MQTT' 05 02 0000 [] 'a'");
  CHECK(fourth.take() == wire("20 * 00 97 []"));
  f.home.v5("d");
}

TEST_CASE("While the journal fails, what it would keep is refused, and all else goes on",
          "[session]") {
  fixture f;
  auto reader = f.home.v5("r", lasting);
  reader.send("82 * 0001 [] 't' 01");
  reader.take();
  f.log.fails = true;
  f.home.v5("x").send("31 * 'retained' [] 31");
  REQUIRE(f.home.hub.is_failing());
  for (int round = 0; round < 3; ++round) {
    auto guest = f.home.v5("g");
    guest.send("82 * 0001 [] 't' 01");
    CHECK(guest.take() == wire("90 * 0001 [] 01"));
    guest.send("30 * 't' [] 32");
    CHECK(guest.take() == wire("30 * 't' [] 32"));
    CHECK(reader.take() == wire("30 * 't' [] 32"));
    guest.send("32 * 't' 0001 [] 33");
    CHECK(guest.take() == wire("40 * 0001 97"));
    guest.send("34 * 't' 0001 [] 33");
    CHECK(guest.take() == wire("50 * 0001 97"));
    reader.send("82 * 0002 [] 'u' 01");
    // SUBACK promises nothing.
    CHECK(reader.take() == wire("90 * 0002 [] 97"));
    CHECK_FALSE(reader.is_closed());
    auto old = f.home.v311("o");
    old.send("32 * 't' 0001 34");
    CHECK(old.take().empty());
    CHECK(old.is_closed());
  }
  f.log.fails = false;
  f.home.pass(1s);
  CHECK_FALSE(f.home.hub.is_failing());
  reader.send("82 * 0002 [] 'u' 01");
  CHECK(reader.take() == wire("90 * 0002 [] 01"));
  CHECK(f.log.committed().retained.size() == 1);
}

TEST_CASE("A failed journal is written again each second, not each turn", "[session]") {
  fixture f;
  auto guest = f.home.v5("g");
  f.log.fails = true;
  guest.send("31 * 'retained' [] 31");
  f.log.fails = false;
  guest.send("31 * 'retained' [] 32");
  CHECK(f.home.hub.is_failing());
  f.home.pass(999ms);
  CHECK(f.home.hub.is_failing());
  f.home.pass(1ms);
  CHECK_FALSE(f.home.hub.is_failing());
  REQUIRE(f.log.committed().retained.size() == 1);
  CHECK(f.log.committed().retained.front()->payload() == "2");
}

TEST_CASE("What was taken back comes when the client is back", "[session]") {
  fixture f;
  auto reader = f.home.v5("r", lasting);
  reader.send("82 * 0001 [] 't' 02");
  reader.take();
  auto publisher = f.home.v5("p", lasting);
  f.log.fails = true;
  publisher.send("34 * 't' 0001 [] 31");
  reader.take();
  f.log.fails = false;
  f.home.pass(1s);
  // The hub still knows the message, so it is not taken twice.
  publisher = f.home.v5("p", lasting, false, true);
  publisher.send("3C * 't' 0001 [] 31");
  CHECK(publisher.take() == wire("50 * 0001"));
  reader = f.home.v5("r", lasting, false, true);
  CHECK(reader.take() == wire("3C * 't' 0001 [] 31"));
}
