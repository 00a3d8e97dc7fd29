#include "codec/properties.hpp"

#include "codec/put.hpp"
#include "codec/topic_rules.hpp"

#include <array>

namespace pipehub::mqtt {

namespace {

enum class property_type : uint8_t {
  none,
  flag,
  two_bytes,
  four_bytes,
  varint,
  text,
  binary,
  pair
};

struct property_rule {
  property_type type = property_type::none;
  uint16_t places = 0;
};

constexpr size_t highest_property = 0x2A;

constexpr std::array<property_rule, highest_property + 1> make_rules() {
  std::array<property_rule, highest_property + 1> result{};
#define PIPEHUB_PROPERTY_RULE(name, id, type, packets)                                             \
  result[id] = property_rule{property_type::type, packets};
  PIPEHUB_PROPERTIES(PIPEHUB_PROPERTY_RULE)
#undef PIPEHUB_PROPERTY_RULE
  return result;
}

constexpr auto rules = make_rules();

property_rule rule_of(uint32_t id) {
  return id <= highest_property ? rules[id] : property_rule{};
}

void read_value(byte_cursor& from, property_type type, property& into) {
  switch (type) {
  case property_type::none:
    break;
  case property_type::flag:
    into.number = from.byte();
    break;
  case property_type::two_bytes:
    into.number = from.two_bytes();
    break;
  case property_type::four_bytes:
    into.number = from.four_bytes();
    break;
  case property_type::varint:
    into.number = from.varint();
    break;
  case property_type::text:
    into.text = from.text();
    break;
  case property_type::binary:
    into.text = from.binary();
    break;
  case property_type::pair:
    into.text = from.text();
    into.value = from.text();
    break;
  }
}

/// Checks a value that the standard restricts further than its type.
void check_value(byte_cursor& from, property_type type, const property& checked) {
  auto refuse = [&](bool wrong, reason code, const char* paragraph, const char* text) {
    from.require(!wrong, code, paragraph, text);
  };
  auto is_zero = checked.number == 0;
  switch (checked.id) {
  case property_id::receive_maximum:
    return refuse(is_zero, reason::protocol_error, "3.1.2.11.3", "Receive Maximum is 0");
  case property_id::maximum_packet_size:
    return refuse(is_zero, reason::protocol_error, "3.1.2.11.4", "Maximum Packet Size is 0");
  case property_id::subscription_identifier:
    return refuse(is_zero, reason::protocol_error, "3.8.2.1.2", "a Subscription Identifier is 0");
  case property_id::topic_alias:
    return refuse(is_zero, reason::topic_alias_invalid, "MQTT-3.3.2-8", "a Topic Alias is 0");
  case property_id::response_topic:
    refuse(checked.text.empty(), reason::protocol_error, "MQTT-4.7.3-1",
           "a Response Topic is empty");
    return refuse(has_wildcard(checked.text), reason::protocol_error, "MQTT-3.3.2-14",
                  "a Response Topic has a wildcard in it");
  default:
    return refuse(type == property_type::flag && checked.number > 1, reason::protocol_error,
                  "2.2.2.2", "a property whose values are 0 and 1 has another one");
  }
}

/// Only PUBLISH may have several Subscription Identifiers (3.3.2.3.8).
bool may_repeat(property_id id, property_place place) {
  return id == property_id::user_property
         || (id == property_id::subscription_identifier && place == in_publish);
}

} // namespace

properties properties::read(byte_cursor& from, property_place place) {
  auto raw = from.take(from.varint());
  byte_cursor cursor{raw, version::v5};
  uint64_t seen = 0;
  while (cursor.ok() && !cursor.at_end()) {
    auto id = cursor.varint();
    auto rule = rule_of(id);
    cursor.require((rule.places & place) != 0, reason::malformed_packet, "2.2.2.2",
                   "a property that this packet cannot have");
    property next;
    next.id = static_cast<property_id>(id);
    read_value(cursor, rule.type, next);
    if (cursor.ok())
      check_value(cursor, rule.type, next);
    auto bit = uint64_t{1} << (id & 63U);
    cursor.require((seen & bit) == 0 || may_repeat(next.id, place), reason::protocol_error,
                   "2.2.2.2", "a property that may come once comes again");
    seen |= bit;
  }
  if (!cursor.ok()) {
    from.fail(*cursor.error());
    return {};
  }
  return properties{raw};
}

bool properties::take(std::string_view& rest, property& next) {
  if (rest.empty())
    return false;
  byte_cursor cursor{rest, version::v5};
  next = property{};
  auto id = cursor.varint();
  next.id = static_cast<property_id>(id);
  auto rule = rule_of(id);
  read_value(cursor, rule.type, next);
  rest = cursor.rest();
  return cursor.ok() && rule.type != property_type::none;
}

std::optional<property> properties::find(property_id id) const {
  auto rest = raw_;
  for (property next; take(rest, next);)
    if (next.id == id)
      return next;
  return {};
}

std::optional<uint32_t> properties::number(property_id id) const {
  auto found = find(id);
  return found ? std::optional<uint32_t>{found->number} : std::nullopt;
}

std::optional<std::string_view> properties::text(property_id id) const {
  auto found = find(id);
  return found ? std::optional<std::string_view>{found->text} : std::nullopt;
}

property_builder& property_builder::add(property_id id, uint32_t number) {
  put_byte(bytes_, static_cast<uint8_t>(id));
  switch (rule_of(static_cast<uint8_t>(id)).type) {
  case property_type::two_bytes:
    put_two_bytes(bytes_, static_cast<uint16_t>(number));
    break;
  case property_type::four_bytes:
    put_four_bytes(bytes_, number);
    break;
  case property_type::varint:
    put_varint(bytes_, number);
    break;
  default:
    put_byte(bytes_, static_cast<uint8_t>(number));
    break;
  }
  return *this;
}

property_builder& property_builder::add(property_id id, std::string_view text) {
  put_byte(bytes_, static_cast<uint8_t>(id));
  put_text(bytes_, text.substr(0, longest_text));
  return *this;
}

property_builder& property_builder::add_user(std::string_view name, std::string_view value) {
  add(property_id::user_property, name);
  put_text(bytes_, value.substr(0, longest_text));
  return *this;
}

property_builder& property_builder::add(properties others) {
  put_bytes(bytes_, others.raw());
  return *this;
}

} // namespace pipehub::mqtt
