#include "hub/wire.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <vector>

using namespace hub_test;

namespace {

/// A value of each type that the table of properties names.
enum class sample_type { flag, two_bytes, four_bytes, varint, text, binary, pair };

struct sample {
  const char* notation;
  uint32_t number;
  std::string_view text;
  std::string_view value;
};

const std::map<sample_type, sample> samples = {
  {sample_type::flag, {"01", 1, "", ""}},
  {sample_type::two_bytes, {"0102", 0x102, "", ""}},
  {sample_type::four_bytes, {"01020304", 0x1020304, "", ""}},
  {sample_type::varint, {"FFFFFF7F", largest_varint, "", ""}},
  {sample_type::text, {"'text'", 0, "text", ""}},
  {sample_type::binary, {"0002 00FF", 0, std::string_view{"\0\xFF", 2}, ""}},
  {sample_type::pair, {"'name' 'value'", 0, "name", "value"}},
};

struct known_property {
  property_id id;
  const char* code;
  sample_type type;
  unsigned places;
};

#define PIPEHUB_KNOWN_PROPERTY(name, id, type, packets)                                            \
  known_property{property_id::name, #id, sample_type::type, packets},

const std::vector<known_property> known = {PIPEHUB_PROPERTIES(PIPEHUB_KNOWN_PROPERTY)};

constexpr property_place all_places[] = {in_connect,     in_connack,    in_publish,
                                         in_will,        in_answer,     in_subscribe,
                                         in_unsubscribe, in_disconnect, in_auth};

/// Reads the bytes of properties as those of a packet.
std::optional<protocol_error> read_all(const std::string& bytes, property_place place,
                                       properties& out) {
  byte_cursor from{bytes, version::v5};
  out = properties::read(from, place);
  return from.error();
}

std::string notation_of(const known_property& x) {
  return std::string{x.code + 2} + " " + samples.at(x.type).notation;
}

} // namespace

TEST_CASE("5.0 2.2.2.2: there are 27 properties", "[codec]") {
  CHECK(known.size() == 27);
}

TEST_CASE("5.0 2.2.2.2: each property is taken in its packets, and refused in all others",
          "[codec]") {
  for (auto& x : known)
    for (auto place : all_places) {
      INFO("property " << x.code << " in " << place);
      auto bytes = wire("[" + notation_of(x) + "]");
      properties read;
      auto error = read_all(bytes, place, read);
      if ((x.places & place) == 0) {
        REQUIRE(error);
        CHECK(error->code == reason::malformed_packet);
        continue;
      }
      REQUIRE_FALSE(error);
      auto found = read.find(x.id);
      REQUIRE(found);
      CHECK(found->number == samples.at(x.type).number);
      CHECK(found->text == samples.at(x.type).text);
      CHECK(found->value == samples.at(x.type).value);
    }
}

TEST_CASE("5.0 2.2.2.2: a property that may come once is refused the second time", "[codec]") {
  for (auto& x : known)
    for (auto place : all_places) {
      if ((x.places & place) == 0)
        continue;
      INFO("property " << x.code << " in " << place);
      auto bytes = wire("[" + notation_of(x) + notation_of(x) + "]");
      properties read;
      auto error = read_all(bytes, place, read);
      auto may_repeat = x.id == property_id::user_property
                        || (x.id == property_id::subscription_identifier && place == in_publish);
      CHECK(error.has_value() != may_repeat);
      if (error)
        CHECK(error->code == reason::protocol_error);
    }
}

TEST_CASE("5.0 2.2.2.2: a property whose values are 0 and 1 has no other", "[codec]") {
  for (auto& x : known) {
    if (x.type != sample_type::flag)
      continue;
    for (auto place : all_places) {
      if ((x.places & place) == 0)
        continue;
      properties read;
      auto error = read_all(wire("[" + std::string{x.code + 2} + " 02]"), place, read);
      REQUIRE(error);
      CHECK(error->code == reason::protocol_error);
    }
  }
}

TEST_CASE("5.0 MQTT-3.3.2-18: user properties keep their order", "[codec]") {
  property_builder builder;
  builder.add_user("b", "1").add_user("a", "2").add_user("b", "3");
  std::string order;
  builder.view().for_each([&](const property& x) {
    order += x.text;
    order += x.value;
  });
  CHECK(order == "b1a2b3");
}

TEST_CASE("5.0 1.5: a property that is cut off", "[codec]") {
  for (auto& x : known) {
    auto whole = wire(notation_of(x));
    for (size_t size = 1; size < whole.size(); ++size) {
      auto bytes = wire("[]") + whole.substr(0, size);
      bytes[0] = static_cast<char>(size);
      for (auto place : all_places) {
        properties read;
        if ((x.places & place) != 0)
          CHECK(read_all(bytes, place, read));
      }
    }
  }
}

TEST_CASE("What was built is what is read", "[codec]") {
  property_builder builder;
  builder.add(property_id::session_expiry_interval, 7)
    .add(property_id::receive_maximum, 8)
    .add(property_id::request_problem_information, 1)
    .add(property_id::authentication_method, "method")
    .add_user("name", "value");
  CHECK(builder.view().number(property_id::session_expiry_interval) == 7U);
  CHECK(builder.view().number(property_id::receive_maximum) == 8U);
  CHECK(builder.view().number(property_id::request_problem_information) == 1U);
  CHECK(builder.view().text(property_id::authentication_method) == std::string_view{"method"});
  CHECK(builder.view().find(property_id::user_property)->value == "value");
  CHECK_FALSE(builder.view().number(property_id::topic_alias));
  property_builder twice;
  twice.add(builder.view());
  CHECK(twice.view().raw() == builder.view().raw());
}

REFUSED("5.0 2.2.2.2: an identifier that no property has", "10 * 'MQTT' 05 02 0000 [7F 00] 'id'",
        reason::malformed_packet)
REFUSED("5.0 3.1.2.11.3: a Receive Maximum of 0", "10 * 'MQTT' 05 02 0000 [21 0000] 'id'",
        reason::protocol_error)
REFUSED("5.0 3.1.2.11.4: a Maximum Packet Size of 0", "10 * 'MQTT' 05 02 0000 [27 00000000] 'id'",
        reason::protocol_error)
REFUSED("5.0 MQTT-1.5.5-1: a property length that is longer than it must be",
        "10 * 'MQTT' 05 02 0000 8000 'id'", reason::malformed_packet)
REFUSED("5.0 1.5.5: a property length of five bytes", "10 * 'MQTT' 05 02 0000 FFFFFFFF01 'id'",
        reason::malformed_packet)
REFUSED("5.0 MQTT-1.5.4-1: a user property that is not UTF-8",
        "10 * 'MQTT' 05 02 0000 [26 'name' 0003 EDBFBF] 'id'", reason::malformed_packet)
