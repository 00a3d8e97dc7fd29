#include "hub/wire.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <vector>

using namespace hub_test;

TEST_CASE("3.1.1 2.2.3: a remaining length of five bytes", "[codec]") {
  frame_reader reader{side::client, largest_varint};
  reader.protocol(version::v311);
  reader.feed("\x30\xFF\xFF\xFF\xFF");
  CHECK_FALSE(reader.next());
  REQUIRE(reader.error());
  CHECK(std::string_view{reader.error()->paragraph} == "2.2.3");
}

TEST_CASE("5.0 1.5.5: a remaining length of five bytes", "[codec]") {
  frame_reader reader{side::client, largest_varint};
  for (auto chunk : {"\x30", "\xFF", "\xFF", "\xFF"}) {
    reader.feed(chunk);
    CHECK_FALSE(reader.next());
    CHECK_FALSE(reader.error());
  }
  reader.feed("\x80");
  CHECK_FALSE(reader.next());
  REQUIRE(reader.error());
  CHECK(reader.error()->code == reason::malformed_packet);
}

TEST_CASE("5.0 MQTT-1.5.5-1: a remaining length that is longer than it must be", "[codec]") {
  frame_reader reader{side::client, largest_varint};
  reader.feed({"\xC0\x80\x00", 3});
  CHECK_FALSE(reader.next());
  REQUIRE(reader.error());
  CHECK(std::string_view{reader.error()->paragraph} == "MQTT-1.5.5-1");
}

TEST_CASE("3.1.1 2.2.3: a remaining length may be longer than it must be", "[codec]") {
  frame_reader reader{side::client, largest_varint};
  reader.protocol(version::v311);
  reader.feed({"\xC0\x80\x00", 3});
  CHECK(reader.next());
}

TEST_CASE("5.0 3.2.2.3.6: a packet that is too long is refused before it has arrived", "[codec]") {
  frame_reader reader{side::client, 100};
  reader.feed("\x30\x63"); // 99 bytes follow: 101 in all
  CHECK_FALSE(reader.next());
  REQUIRE(reader.error());
  CHECK(reader.error()->code == reason::packet_too_large);
  frame_reader other{side::client, 100};
  other.feed("\x30\x62");
  CHECK_FALSE(other.next());
  CHECK_FALSE(other.error());
}

TEST_CASE("Flags are checked before the rest of a packet has arrived", "[codec]") {
  frame_reader reader{side::client, largest_varint};
  reader.feed("\x80");
  CHECK_FALSE(reader.next());
  REQUIRE(reader.error());
  CHECK(std::string_view{reader.error()->paragraph} == "MQTT-3.8.1-1");
  reader.feed("\xC0");
  CHECK_FALSE(reader.next());
}

TEST_CASE("A stream gives the same packets however it is cut", "[codec]") {
  std::string stream;
  std::vector<std::string> bodies;
  std::mt19937 random{12};
  for (size_t index = 0; index < 200; ++index) {
    std::string payload(random() % (index % 20 == 0 ? 20000 : 40),
                        static_cast<char>('a' + index % 26));
    publish x;
    x.topic = "t";
    x.payload = payload;
    buffer out;
    encode(x, version::v311, out);
    stream += text_of(out);
    bodies.push_back(wire("'t'") + payload);
  }
  for (size_t longest : {size_t{1}, size_t{3}, size_t{50}, size_t{5000}, stream.size()}) {
    frame_reader reader{side::client, largest_varint};
    reader.protocol(version::v311);
    size_t count = 0;
    for (size_t at = 0; at < stream.size();) {
      auto size = 1 + random() % longest;
      reader.feed(std::string_view{stream}.substr(at, size));
      at += size;
      while (auto next = reader.next()) {
        REQUIRE(count < bodies.size());
        REQUIRE(next->first == 0x30);
        REQUIRE(next->body == bodies[count++]);
      }
      REQUIRE_FALSE(reader.error());
    }
    CHECK(count == bodies.size());
    CHECK_FALSE(reader.in_packet());
  }
}

TEST_CASE("A reader knows whether a packet has begun", "[codec]") {
  frame_reader reader{side::client, largest_varint};
  CHECK_FALSE(reader.in_packet());
  reader.feed("\xC0");
  CHECK_FALSE(reader.next());
  CHECK(reader.in_packet());
  reader.feed({"\x00", 1});
  CHECK(reader.next());
  CHECK_FALSE(reader.in_packet());
}
