#include "codec/decode_parts.hpp"
#include "codec/topic_rules.hpp"

#include <algorithm>

namespace pipehub::mqtt {

namespace {

constexpr std::string_view share_prefix = "$share/";

bool is_shared(std::string_view filter) {
  return filter.substr(0, share_prefix.size()) == share_prefix;
}

std::string_view read_filter(byte_cursor& from, const char* paragraph) {
  auto result = from.text(paragraph);
  if (!from.ok())
    return {};
  auto shared = from.protocol() == version::v5 && is_shared(result);
  if (auto error = shared ? check_shared(result) : check_filter(result))
    from.fail(*error);
  return result;
}

subscription read_subscription(byte_cursor& from) {
  subscription result;
  result.filter = read_filter(from, "MQTT-3.8.3-1");
  auto options = from.byte();
  result.qos = options & 3U;
  if (from.protocol() == version::v311) {
    // The standard spells this statement so.
    from.require(options <= 2, reason::malformed_packet, "MQTT-3-8.3-4",
                 "reserved bits of a subscription are set, or its QoS is 3");
    return result;
  }
  result.no_local = (options & 4U) != 0;
  result.retain_as_published = (options & 8U) != 0;
  result.retain_handling = (options >> 4) & 3U;
  from.require((options & 0xC0U) == 0, reason::malformed_packet, "MQTT-3.8.3-5",
               "reserved bits of a subscription are set");
  from.require(result.qos != 3, reason::protocol_error, "3.8.3.1",
               "the QoS of a subscription is 3");
  from.require(result.retain_handling != 3, reason::protocol_error, "3.8.3.1",
               "Retain Handling is 3");
  from.require(!result.no_local || !is_shared(result.filter), reason::protocol_error,
               "MQTT-3.8.3-4", "a shared subscription has No Local");
  return result;
}

/// Returns whether a SUBACK may have this code (3.9.3).
bool is_suback_code(reason code, version protocol) {
  switch (code) {
  case reason::success:
  case reason::granted_qos_1:
  case reason::granted_qos_2:
  case reason::unspecified_error:
    return true;
  case reason::implementation_specific_error:
  case reason::not_authorized:
  case reason::topic_filter_invalid:
  case reason::packet_identifier_in_use:
  case reason::quota_exceeded:
  case reason::shared_subscriptions_not_supported:
  case reason::subscription_identifiers_not_supported:
  case reason::wildcard_subscriptions_not_supported:
    return protocol == version::v5;
  default:
    return false;
  }
}

bool is_unsuback_code(reason code) {
  switch (code) {
  case reason::success:
  case reason::no_subscription_existed:
  case reason::unspecified_error:
  case reason::implementation_specific_error:
  case reason::not_authorized:
  case reason::topic_filter_invalid:
  case reason::packet_identifier_in_use:
    return true;
  default:
    return false;
  }
}

} // namespace

subscribe read_subscribe(byte_cursor& from) {
  subscribe result;
  result.packet_id = read_packet_id(from);
  if (from.protocol() == version::v5)
    result.properties = properties::read(from, in_subscribe);
  from.require(!from.at_end(), reason::protocol_error,
               from.by_version("MQTT-3.8.3-3", "MQTT-3.8.3-2"), "SUBSCRIBE has no topic filter");
  while (from.ok() && !from.at_end())
    result.subscriptions.push_back(read_subscription(from));
  return result;
}

suback read_suback(byte_cursor& from) {
  suback result;
  result.packet_id = read_packet_id(from);
  if (from.protocol() == version::v5)
    result.properties = properties::read(from, in_answer);
  for (auto code : from.take_rest())
    result.codes.push_back(static_cast<reason>(code));
  auto is_known = [&](reason code) { return is_suback_code(code, from.protocol()); };
  from.require(std::all_of(result.codes.begin(), result.codes.end(), is_known),
               reason::protocol_error, "MQTT-3.9.3-2", "a reason code is none of SUBACK's");
  return result;
}

unsubscribe read_unsubscribe(byte_cursor& from) {
  unsubscribe result;
  result.packet_id = read_packet_id(from);
  if (from.protocol() == version::v5)
    result.properties = properties::read(from, in_unsubscribe);
  from.require(!from.at_end(), reason::protocol_error, "MQTT-3.10.3-2",
               "UNSUBSCRIBE has no topic filter");
  while (from.ok() && !from.at_end())
    result.filters.push_back(read_filter(from, "MQTT-3.10.3-1"));
  return result;
}

unsuback read_unsuback(byte_cursor& from) {
  unsuback result;
  result.packet_id = read_packet_id(from);
  if (from.protocol() == version::v311) {
    from.end("3.11");
    return result;
  }
  result.properties = properties::read(from, in_answer);
  for (auto code : from.take_rest())
    result.codes.push_back(static_cast<reason>(code));
  from.require(std::all_of(result.codes.begin(), result.codes.end(), is_unsuback_code),
               reason::protocol_error, "MQTT-3.11.3-2", "a reason code is none of UNSUBACK's");
  return result;
}

} // namespace pipehub::mqtt
