#include "hub/wire.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace hub_test;

TEST_CASE("What a client of 3.1.1 sends is encoded as it was decoded", "[codec]") {
  for (auto notation :
       {"10 * 'MQTT' 04 02 003C 'id'", "10 * 'MQTT' 04 36 0000 'id' 'will/topic' 'gone'",
        "10 * 'MQTT' 04 C0 FFFF 'id' 'user' 0002 00FF", "30 * 't' 61", "30 * 'a/b'",
        "33 * 't' 0001 6162", "3D * 't' FFFF", "40 * 0001", "50 * 1234", "62 * 0001", "70 * FFFF",
        "82 * 0001 'a/#' 00 'b/+' 01 '#' 02", "A2 * 0001 'a/#' '+'", "C0 *", "E0 *"})
    check_taken(version::v311, side::client, notation);
}

TEST_CASE("What a server of 3.1.1 sends is encoded as it was decoded", "[codec]") {
  for (auto notation :
       {"20 * 00 00", "20 * 01 00", "20 * 00 05", "31 * 't' 61", "40 * 0001", "50 * 1234",
        "62 * 0001", "70 * FFFF", "90 * 0001 00 01 02 80", "B0 * 0001", "D0 *"})
    check_taken(version::v311, side::server, notation);
}

TEST_CASE("What a client of 5.0 sends is encoded as it was decoded", "[codec]") {
  for (auto notation :
       {"10 * 'MQTT' 05 02 003C [] 'id'",
        "10 * 'MQTT' 05 00 003C [11 00000001 21 0001 27 00000040 22 000A 19 01 17 00 26 'k' 'v' "
        "15 'method' 16 0001 FF] ''",
        "10 * 'MQTT' 05 36 0000 [] 'id' [18 00000001 01 01 02 00000002 03 'text' 08 'r' 09 0001 "
        "00 26 'k' 'v'] 'will' 'gone'",
        "10 * 'MQTT' 05 C0 0000 [] 'id' 'user' 0002 00FF",
        "30 * 't' [] 61",
        "33 * 't' 0001 [01 01 02 00000002 08 'r' 09 0001 00 23 0001 26 'k' 'v' 03 'text'] 6162",
        "3D * '' FFFF [23 FFFF]",
        "40 * 0001",
        "40 * 0001 10",
        "40 * 0001 97 [1F 'full' 26 'k' 'v']",
        "50 * 0001 80",
        "62 * 0001 92",
        "70 * 0001 92 [1F 'gone']",
        "82 * 0001 [0B 01 26 'k' 'v'] 'a/#' 2D '$share/g/b' 22",
        "A2 * 0001 [26 'k' 'v'] 'a/#' '+'",
        "C0 *",
        "E0 *",
        "E0 * 04",
        "E0 * 00 [11 00000000 1F 'bye' 26 'k' 'v']",
        "F0 * 18 [15 'm' 16 0001 00]",
        "F0 * 19 [15 'm' 1F 'again' 26 'k' 'v']"})
    check_taken(version::v5, side::client, notation);
}

TEST_CASE("What a server of 5.0 sends is encoded as it was decoded", "[codec]") {
  for (auto notation :
       {"20 * 01 00 []",
        "20 * 00 00 [11 00000001 21 0001 24 01 25 01 27 00000040 12 'id' 22 000A 1F 'why' 26 'k' "
        "'v' 28 01 29 01 2A 01 13 003C 1A 'info' 1C 'other' 15 'method' 16 0001 FF]",
        "20 * 00 9F []", "31 * 't' [0B 01 0B 02] 61", "40 * 0001 10", "50 * 0001 97", "62 * 0001",
        "70 * 0001", "90 * 0001 [1F 'why'] 00 01 02 80 87 8F 91 97 9E A1 A2",
        "B0 * 0001 [26 'k' 'v'] 00 11 80 83 87 8F 91", "D0 *", "E0 * 8E [1F 'other']",
        "E0 * 9D [1C 'there']", "F0 *", "F0 * 18 [15 'm']"})
    check_taken(version::v5, side::server, notation);
}

TEST_CASE("Random bytes harm nobody", "[codec]") {
  std::mt19937 random{7};
  for (size_t run = 0; run < 20000; ++run) {
    std::string body(random() % 40, '\0');
    for (auto& byte : body)
      byte = static_cast<char>(random() % 4 == 0 ? random() : random() % 4);
    auto first = static_cast<uint8_t>(random());
    packet decoded;
    for (auto protocol : {version::v311, version::v5})
      for (auto sender : {side::client, side::server}) {
        if (decode(first, body, protocol, sender, decoded))
          continue;
        // What was taken can be encoded, and is taken again. The type is the same.
        auto again = std::holds_alternative<connect>(decoded) ? std::get<connect>(decoded).protocol
                                                              : protocol;
        buffer out;
        encode(decoded, again, out);
        packet repeated;
        REQUIRE_FALSE(decode_wire(text_of(out), again, sender, repeated));
        REQUIRE(repeated.index() == decoded.index());
      }
  }
}
