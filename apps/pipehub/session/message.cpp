#include "session/message.hpp"

namespace pipehub {

namespace {

bool is_passed_on(mqtt::property_id id) {
  return id != mqtt::property_id::topic_alias && id != mqtt::property_id::message_expiry_interval
         && id != mqtt::property_id::will_delay_interval;
}

} // namespace

message::message(std::string_view topic, const mqtt::properties& properties,
                 std::string_view payload, uint8_t qos, bool retain, time_point now)
    : qos_(qos), retain_(retain) {
  auto passed = properties;
  mqtt::property_builder kept;
  bool is_whole = true;
  properties.for_each([&](const mqtt::property& x) { is_whole = is_whole && is_passed_on(x.id); });
  if (!is_whole) {
    properties.for_each([&](const mqtt::property& x) {
      if (!is_passed_on(x.id))
        return;
      if (x.id == mqtt::property_id::user_property)
        kept.add_user(x.text, x.value);
      else if (x.id == mqtt::property_id::payload_format_indicator)
        kept.add(x.id, x.number);
      else
        kept.add(x.id, x.text);
    });
    passed = kept.view();
  }
  set_bytes(topic, passed, payload);
  expiry_seconds_ = properties.number(mqtt::property_id::message_expiry_interval);
  begin_expiry(now);
}

message::message(std::string_view topic, const mqtt::properties& properties,
                 std::string_view payload, uint8_t qos, bool retain,
                 std::optional<uint32_t> expiry_seconds, std::optional<time_point> expiry)
    : expiry_seconds_(expiry_seconds), expiry_(expiry), qos_(qos), retain_(retain) {
  set_bytes(topic, properties, payload);
}

void message::set_bytes(std::string_view topic, const mqtt::properties& properties,
                        std::string_view payload) {
  topic_size_ = topic.size();
  properties_size_ = properties.raw().size();
  bytes_.reserve(topic.size() + properties_size_ + payload.size());
  bytes_.append(topic).append(properties.raw()).append(payload);
}

void message::begin_expiry(time_point now) {
  if (expiry_seconds_)
    expiry_ = now + std::chrono::seconds{*expiry_seconds_};
}

} // namespace pipehub
