#include "command/message_line.hpp"

#include "codec/utf8.hpp"

#include <nlohmann/json.hpp>

#include <charconv>

namespace pipehub {

using namespace mqtt;

namespace {

/// Returns the text of RFC 4648, section 4.
std::string base64_of(std::string_view bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    auto group = bytes.substr(at, 3);
    uint32_t bits = 0;
    for (size_t index = 0; index < 3; ++index)
      bits = bits << 8 | (index < group.size() ? static_cast<uint8_t>(group[index]) : 0U);
    for (size_t index = 0; index < 4; ++index)
      result += index <= group.size() ? digits[bits >> (18 - 6 * index) & 63] : '=';
  }
  return result;
}

/// Adds bytes as a text or, if they are none, in base64 under a name that says so.
void add_bytes(nlohmann::ordered_json& to, const std::string& name, std::string_view bytes) {
  if (check_utf8(bytes) == utf8_fault::ill_formed)
    to[name + "_base64"] = base64_of(bytes);
  else
    to[name] = bytes;
}

void add_property(nlohmann::ordered_json& to, const property& x) {
  switch (x.id) {
  case property_id::payload_format_indicator:
    to["payload_format"] = x.number;
    break;
  case property_id::message_expiry_interval:
    to["expiry_seconds"] = x.number;
    break;
  case property_id::content_type:
    to["content_type"] = x.text;
    break;
  case property_id::response_topic:
    to["response_topic"] = x.text;
    break;
  case property_id::correlation_data:
    add_bytes(to, "correlation_data", x.text);
    break;
  case property_id::user_property:
    if (x.text != "lost")
      to["user_properties"].push_back({x.text, x.value});
    break;
  default:
    break;
  }
}

std::string json_of(const publish& message) {
  nlohmann::ordered_json result;
  result["topic"] = message.topic;
  result["qos"] = message.qos;
  result["retain"] = message.retain;
  if (auto lost = losses_before(message))
    result["lost"] = lost;
  message.properties.for_each([&](const property& x) { add_property(result, x); });
  add_bytes(result, "payload", message.payload);
  return result.dump() + '\n';
}

} // namespace

uint64_t losses_before(const publish& message) {
  uint64_t result = 0;
  message.properties.for_each([&](const property& x) {
    if (x.id == property_id::user_property && x.text == "lost")
      std::from_chars(x.value.data(), x.value.data() + x.value.size(), result);
  });
  return result;
}

std::string line_of(const publish& message, const line_style& style) {
  if (style.json)
    return json_of(message);
  std::string result;
  if (style.topic)
    result.append(message.topic) += ' ';
  return result.append(message.payload) += '\n';
}

} // namespace pipehub
