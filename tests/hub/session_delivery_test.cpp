#include "hub/world.hpp"

#include <catch2/catch.hpp>

using namespace hub_test;
using namespace std::chrono_literals;

// -- QoS 1 and 2 to a client ------------------------------------------------------------------

// Proves too: 5.0 MQTT-4.4.0-1, 3.1.1 MQTT-3.3.1-1, 5.0 MQTT-3.3.1-1.
TEST_CASE("3.1.1 MQTT-4.4.0-1: what was not acknowledged comes again with DUP", "[session]") {
  world home;
  auto guest = home.v5("a", "11 00000064");
  guest.send("82 * 0001 [] 't' 02");
  guest.take();
  auto publisher = home.v5("b");
  publisher.send("32 * 't' 0001 [] 31");
  publisher.send("34 * 't' 0002 [] 32");
  publisher.send("34 * 't' 0003 [] 33");
  publisher.send("32 * 't' 0004 [] 34");
  CHECK(guest.take()
        == wire("32 * 't' 0001 [] 31") + wire("34 * 't' 0002 [] 32") + wire("34 * 't' 0003 [] 33")
             + wire("32 * 't' 0004 [] 34"));
  guest.send("40 * 0001");
  guest.send("50 * 0002");
  CHECK(guest.take() == wire("62 * 0002"));
  guest.leave();
  publisher.send("32 * 't' 0005 [] 35");
  auto again = home.v5("a", "11 00000064", false, true);
  CHECK(again.take()
        == wire("62 * 0002") + wire("3C * 't' 0003 [] 33") + wire("3A * 't' 0004 [] 34")
             + wire("32 * 't' 0005 [] 35"));
  again.send("70 * 0002");
  again.send("50 * 0003");
  again.send("70 * 0003");
  again.send("40 * 0004");
  again.send("40 * 0005");
  again.leave();
  auto last = home.v5("a", "", false, true);
  CHECK(last.take().empty());
}

TEST_CASE("3.1.1 MQTT-3.1.2-5: QoS 1 and 2 wait for a client that is away, QoS 0 does not",
          "[session]") {
  world home;
  auto old = home.v311("a", false);
  old.send("82 * 0001 't' 02");
  old.leave();
  auto publisher = home.v311("b");
  publisher.send("30 * 't' 30");
  publisher.send("32 * 't' 0001 31");
  publisher.send("34 * 't' 0002 32");
  auto again = home.v311("a", false, true);
  CHECK(again.take() == wire("32 * 't' 0001 31") + wire("34 * 't' 0002 32"));
}

// Proves too: 5.0 MQTT-3.3.4-10.
TEST_CASE("5.0 MQTT-3.3.4-9: no more than the client's Receive Maximum are on their way",
          "[session]") {
  world home;
  auto guest = home.v5("a", "21 0002");
  guest.send("82 * 0001 [] 't' 02");
  guest.take();
  auto publisher = home.v5("b");
  for (auto payload : {"31", "32", "33", "34"})
    publisher.send("34 * 't' 0001 [] " + std::string{payload} + "");
  CHECK(guest.take() == wire("34 * 't' 0001 [] 31"));
  publisher.send("62 * 0001");
  for (auto id : {"0002", "0003", "0004"})
    publisher.send("34 * 't' " + std::string{id} + " [] 35");
  CHECK(guest.take() == wire("34 * 't' 0002 [] 35"));
  // Other packets are not held up.
  guest.send("C0 *");
  CHECK(guest.take() == wire("D0 *"));
  guest.send("50 * 0001");
  CHECK(guest.take() == wire("62 * 0001"));
  guest.send("70 * 0001");
  CHECK(guest.take() == wire("34 * 't' 0003 [] 35"));
  // A PUBREC that refuses completes it, too.
  guest.send("50 * 0002 97");
  CHECK(guest.take() == wire("34 * 't' 0004 [] 35"));
}

TEST_CASE("5.0 4.9: after a return with a lower Receive Maximum it counts for what comes again",
          "[session]") {
  world home;
  auto guest = home.v5("a", "11 00000064");
  guest.send("82 * 0001 [] 't' 01");
  auto publisher = home.v5("b");
  for (auto payload : {"31", "32", "33"})
    publisher.send("32 * 't' 0001 [] " + std::string{payload});
  guest.leave();
  publisher.send("32 * 't' 0001 [] 34");
  auto again = home.v5("a", "21 0001", false, true);
  CHECK(again.take() == wire("3A * 't' 0001 [] 31"));
  again.send("40 * 0001");
  CHECK(again.take() == wire("3A * 't' 0002 [] 32"));
  again.send("40 * 0002");
  CHECK(again.take() == wire("3A * 't' 0003 [] 33"));
  again.send("40 * 0003");
  CHECK(again.take() == wire("32 * 't' 0004 [] 34"));
}

// Proves too: 5.0 MQTT-4.6.0-5.
TEST_CASE("3.1.1 MQTT-4.6.0-6: messages come in the order in which they were published",
          "[session]") {
  broker_options options;
  options.window = 40;
  world home{options};
  home.holds_writes = true;
  auto old = home.v311("a");
  home.take_writes(old.id());
  old.send("82 * 0001 't' 01");
  home.take_writes(old.id());
  old.take();
  auto publisher = home.v311("b");
  std::string expected;
  for (char letter = '0'; letter <= '9'; ++letter) {
    auto body = std::string{"3"} + letter;
    publisher.send((letter % 2 == 0 ? "30 * 't' " : "32 * 't' 0001 ") + body);
    expected += letter;
  }
  std::string order;
  auto take = [&] {
    auto bytes = old.take();
    frame_reader reader{side::server, 1000};
    reader.protocol(version::v311);
    reader.feed(bytes);
    while (auto next = reader.next())
      order += next->body.back();
  };
  take();
  CHECK(order.size() < expected.size());
  home.take_writes(old.id());
  take();
  CHECK(order == expected);
}

// Proves too: 5.0 MQTT-2.2.1-4.
TEST_CASE("3.1.1 MQTT-2.3.1-2: an identifier that is in use is not used again", "[session]") {
  world home;
  auto old = home.v311("a");
  old.send("82 * 0001 't' 01");
  old.take();
  auto publisher = home.v311("b");
  publisher.send("32 * 't' 0001");
  CHECK(old.take() == wire("32 * 't' 0001"));
  // The first one is never acknowledged: its identifier is skipped the next time round.
  for (uint32_t id = 2; id <= 65535; ++id) {
    publisher.send("32 * 't' 0001");
    buffer ack;
    encode(answer{packet_type::puback, static_cast<uint16_t>(id), reason::success, {}},
           version::v311, ack);
    old.send_bytes(text_of(ack));
  }
  old.take();
  publisher.send("32 * 't' 0001");
  CHECK(old.take() == wire("32 * 't' 0002"));
}

// -- queues -----------------------------------------------------------------------------------

namespace {

/// A client that does not read, and a publisher.
struct stalled {
  explicit stalled(overflow policy, bool is_v5 = true) : home{limits(policy)} {
    home.holds_writes = true;
    reader = is_v5 ? home.v5("reader") : home.v311("reader");
    reader.send(is_v5 ? "82 * 0001 [] 't' 00" : "82 * 0001 't' 00 '$hub/lost' 00");
    home.take_writes(reader.id());
    reader.take();
    publisher = home.v5("publisher");
  }

  static broker_options limits(overflow policy) {
    broker_options result;
    result.window = 1;
    result.queue_messages = 3;
    result.overflow = policy;
    return result;
  }

  void publish(std::string_view payload) {
    publisher.send("30 * 't' [] " + std::string{payload});
  }

  world home;
  client reader{home, 0};
  client publisher{home, 0};
};

} // namespace

TEST_CASE("The oldest messages are lost, and the client is told in their place", "[session]") {
  stalled it{overflow::drop_oldest};
  for (auto payload : {"31", "32", "33", "34", "35", "36"})
    it.publish(payload);
  CHECK(it.reader.take() == wire("30 * 't' [] 31"));
  it.home.take_writes(it.reader.id());
  CHECK(it.reader.take()
        == wire("30 * 't' [26 'lost' '2'] 34") + wire("30 * 't' [] 35") + wire("30 * 't' [] 36"));
  it.publish("37");
  it.home.take_writes(it.reader.id());
  CHECK(it.reader.take() == wire("30 * 't' [] 37"));
}

TEST_CASE("The newest messages are lost, and the client is told in their place", "[session]") {
  stalled it{overflow::drop_newest};
  for (auto payload : {"31", "32", "33", "34", "35", "36"})
    it.publish(payload);
  CHECK(it.reader.take() == wire("30 * 't' [] 31"));
  it.home.take_writes(it.reader.id());
  CHECK(it.reader.take()
        == wire("30 * 't' [] 32") + wire("30 * 't' [] 33") + wire("30 * 't' [] 34"));
  it.publish("37");
  CHECK(it.reader.take() == wire("30 * 't' [26 'lost' '2'] 37"));
}

TEST_CASE("A client whose queue is full is disconnected, if that is the policy", "[session]") {
  stalled it{overflow::disconnect};
  for (auto payload : {"31", "32", "33", "34"})
    it.publish(payload);
  CHECK_FALSE(it.reader.is_closed());
  it.publish("35");
  CHECK(it.reader.is_closed());
  it.reader.take();
  CHECK_FALSE(it.publisher.is_closed());
}

TEST_CASE("A client that was disconnected for its full queue is told the loss when it is back",
          "[session]") {
  world home{stalled::limits(overflow::disconnect)};
  home.holds_writes = true;
  auto reader = home.v5("reader", "11 00000064");
  reader.send("82 * 0001 [] 't' 01");
  home.take_writes(reader.id());
  auto publisher = home.v5("publisher");
  for (auto payload : {"31", "32", "33", "34", "35"})
    publisher.send("32 * 't' 0001 [] " + std::string{payload});
  REQUIRE(reader.is_closed());
  reader.leave();
  home.holds_writes = false;
  auto again = home.v5("reader", "11 00000064", false, true);
  CHECK(again.take()
        == wire("3A * 't' 0001 [] 31") + wire("32 * 't' 0002 [] 32") + wire("32 * 't' 0003 [] 33")
             + wire("32 * 't' 0004 [] 34"));
  publisher.send("32 * 't' 0001 [] 36");
  CHECK(again.take() == wire("32 * 't' 0005 [26 'lost' '1'] 36"));
}

TEST_CASE("A client of 3.1.1 that subscribed to it is told its losses by messages", "[session]") {
  stalled it{overflow::drop_oldest, false};
  for (auto payload : {"31", "32", "33", "34", "35", "36"})
    it.publish(payload);
  it.home.take_writes(it.reader.id());
  CHECK(it.reader.take()
        == wire("30 * 't' 31") + wire("30 * '$hub/lost' 32") + wire("30 * 't' 34")
             + wire("30 * 't' 35") + wire("30 * 't' 36"));
}

TEST_CASE("A queue is bounded in bytes, too", "[session]") {
  auto limits = stalled::limits(overflow::drop_newest);
  limits.queue_messages = 1000;
  limits.queue_bytes = 100;
  world home{limits};
  auto sleeper = home.v5("sleeper", "11 00000064");
  sleeper.send("82 * 0001 [] 't' 01");
  sleeper.leave();
  auto publisher = home.v5("b");
  for (int index = 0; index < 10; ++index)
    publisher.send("32 * 't' 0001 [] " + std::string(78, '0')); // 39 bytes, and a topic of one
  home.holds_writes = true;
  auto again = home.v5("sleeper", "", false, true);
  home.take_writes(again.id());
  CHECK(again.take().size() == 2 * wire("32 * 't' 0001 [] " + std::string(78, '0')).size());
}

TEST_CASE("Retained messages beyond the queue's limit all come", "[session]") {
  stalled it{overflow::drop_oldest};
  for (int index = 0; index < 50; ++index)
    it.publisher.send("31 * 'r/" + std::to_string(index) + "' [] 6D");
  it.reader.send("82 * 0002 [] 'r/+' 00");
  it.publish("31");
  it.home.take_writes(it.reader.id());
  auto bytes = it.reader.take();
  CHECK(std::count(bytes.begin(), bytes.end(), 'm') == 50);
  CHECK(bytes.find("lost") == std::string::npos);
}

TEST_CASE("Writes are as long as allowed, and hold whole packets", "[session]") {
  struct recorder : link_output {
    void write(link_id, pipeactor::payload packets) override {
      writes.emplace_back(packets.text());
    }
    void close(link_id, farewell) override {}
    std::vector<std::string> writes;
  } output;
  broker_options options;
  options.largest_write = 100;
  broker hub{options, output};
  hub.opened(1, "uid 1", {});
  auto bytes = wire("10 * 'MQTT' 04 02 0000 'a'") + wire("82 * 0001 't' 00");
  for (int index = 0; index < 20; ++index)
    bytes += wire("30 * 't' " + std::string(40, '0'));
  bytes += wire("30 * 't' " + std::string(800, '0'));
  hub.received(1, bytes, {});
  hub.flush({});
  frame_reader reader{side::server, 1000};
  reader.protocol(version::v311);
  size_t packets = 0;
  for (auto& write : output.writes) {
    CHECK((write.size() <= 100 || write.size() == 406));
    reader.feed(write);
    while (reader.next())
      ++packets;
    CHECK_FALSE(reader.in_packet());
  }
  CHECK(packets == 23);
  CHECK(output.writes.size() < 9);
}

TEST_CASE("A client that asks and never reads is given up", "[session]") {
  broker_options options;
  options.longest_backlog = 1000;
  world home{options};
  home.holds_writes = true;
  auto old = home.v311("a");
  std::string pings;
  for (int index = 0; index < 400; ++index)
    pings += wire("C0 *");
  old.send_bytes(pings);
  CHECK_FALSE(old.is_closed());
  old.send_bytes(pings);
  CHECK(old.is_closed());
}
