#include "session/delivery.hpp"

#include "codec/encode.hpp"

#include <algorithm>
#include <string>

namespace pipehub {

namespace {

mqtt::publish packet_of(const message& content, uint8_t qos, bool retain) {
  mqtt::publish result;
  result.topic = content.topic();
  result.qos = qos;
  result.retain = retain;
  result.properties = content.properties();
  result.payload = content.payload();
  return result;
}

/// Returns whether the packet is the same for all clients of one version.
bool is_plain(const link& to, const delivery& what) {
  return what.qos == 0 && what.lost_before == 0 && what.identifiers.empty()
         && !what.content->expiry() && to.most_aliases_out == 0;
}

/// How a topic is written: in full or by its alias.
struct aliased {
  uint16_t alias = 0;
  bool is_new = false;
};

aliased alias_of(const link& to, std::string_view topic) {
  if (to.most_aliases_out == 0)
    return {};
  if (auto found = to.aliases_out.find(std::string{topic}); found != to.aliases_out.end())
    return {found->second, false};
  if (to.aliases_out.size() < to.most_aliases_out)
    return {static_cast<uint16_t>(to.aliases_out.size() + 1), true};
  return {};
}

/// Returns what is left of the Message Expiry Interval (MQTT-3.3.2-6), in whole seconds.
uint32_t seconds_left(const message& content, time_point now) {
  auto left = std::chrono::ceil<std::chrono::seconds>(*content.expiry() - now);
  return static_cast<uint32_t>(std::max<int64_t>(left.count(), 0));
}

void add_properties(mqtt::property_builder& to, const delivery& what, aliased topic,
                    time_point now) {
  if (topic.alias != 0)
    to.add(mqtt::property_id::topic_alias, topic.alias);
  if (what.content->expiry())
    to.add(mqtt::property_id::message_expiry_interval, seconds_left(*what.content, now));
  for (auto identifier : what.identifiers)
    to.add(mqtt::property_id::subscription_identifier, identifier);
  to.add(what.content->properties());
  if (what.lost_before != 0)
    to.add_user("lost", std::to_string(what.lost_before));
}

} // namespace

const pipeactor::payload& shared_images::get(const message& content, bool retain,
                                             mqtt::version protocol) {
  auto& image = images_[(retain ? 1 : 0) + (protocol == mqtt::version::v5 ? 2 : 0)];
  if (image.empty()) {
    auto packet = packet_of(content, 0, retain);
    mqtt::buffer bytes;
    bytes.reserve(mqtt::encoded_size(packet, protocol));
    mqtt::encode(packet, protocol, bytes);
    image = pipeactor::payload{std::move(bytes)};
  }
  return image;
}

bool put_delivery(link& to, const delivery& what, uint16_t packet_id, bool dup, time_point now,
                  shared_images* images) {
  auto largest = std::min(to.largest_packet, to.options().largest_packet);
  if (images != nullptr && is_plain(to, what)) {
    auto& image = images->get(*what.content, what.retain, to.protocol);
    if (image.size() <= largest)
      to.send_shared(image);
    return image.size() <= largest;
  }
  auto packet = packet_of(*what.content, what.qos, what.retain);
  packet.packet_id = packet_id;
  packet.dup = dup;
  mqtt::property_builder properties;
  aliased topic;
  if (to.is_v5()) {
    topic = alias_of(to, packet.topic);
    add_properties(properties, what, topic, now);
    packet.properties = properties.view();
    if (topic.alias != 0 && !topic.is_new)
      packet.topic = {};
  }
  auto size = mqtt::encoded_size(packet, to.protocol);
  if (size > largest)
    return false;
  if (topic.is_new)
    to.aliases_out.emplace(packet.topic, topic.alias);
  mqtt::encode(packet, to.protocol, to.begin_packet(size));
  return true;
}

} // namespace pipehub
