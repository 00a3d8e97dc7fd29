#include "client/mqtt_client.hpp"

#include "codec/decode.hpp"
#include "codec/encode.hpp"

#include <algorithm>

namespace pipehub {

using namespace mqtt;

namespace {

/// How long the hub keeps the session of a client that has lost its connection. In seconds.
constexpr uint32_t session_expiry = 60;
/// SUBSCRIBE uses this identifier, and publications use all others.
constexpr uint16_t subscribe_id = 65535;
/// The longest write, except for a packet that is longer.
constexpr size_t largest_write = size_t{64} << 10;

/// Returns e.g. "not authorized (alice may not publish to x)".
std::string text_of(uint8_t code, const properties& x) {
  std::string result = to_string(static_cast<reason>(code));
  if (auto text = x.text(property_id::reason_string))
    result += " (" + std::string{*text} + ")";
  return result;
}

} // namespace

mqtt_client::mqtt_client(std::string id, client_output& output)
    : id_(std::move(id)), output_(output), reader_(side::server, largest_varint) {}

void mqtt_client::subscribe(std::string filter, uint8_t qos) {
  filters_.emplace_back(std::move(filter), qos);
}

// -- the connection ---------------------------------------------------------------------------

void mqtt_client::connected() {
  if (is_over_)
    return;
  reader_ = frame_reader{side::server, largest_varint};
  is_accepted_ = false;
  connect hello;
  hello.clean_start = is_first_;
  hello.client_id = id_;
  property_builder properties;
  properties.add(property_id::session_expiry_interval, session_expiry);
  hello.properties = properties.view();
  append(hello);
  flush();
}

void mqtt_client::disconnected() {
  is_accepted_ = false;
  out_.clear();
  unanswered_ = 0;
}

void mqtt_client::received(std::string_view bytes) {
  if (is_over_)
    return;
  reader_.feed(bytes);
  for (auto next = reader_.next(); next && !is_over_; next = reader_.next()) {
    packet decoded;
    if (auto error = decode(next->first, next->body, version::v5, side::server, decoded))
      return end("the hub sent a wrong packet: " + describe(*error));
    if (is_accepted_ == std::holds_alternative<connack>(decoded))
      return end("the hub does not begin with CONNACK, or sends it again");
    handle(decoded);
  }
  output_.handled();
  if (is_over_)
    return flush();
  if (auto& error = reader_.error())
    return end("the hub sent a wrong packet: " + describe(*error));
  pump();
  flush();
}

void mqtt_client::handle(const packet& packet) {
  if (auto* x = std::get_if<mqtt::publish>(&packet))
    handle_publish(*x);
  else if (auto* x = std::get_if<answer>(&packet))
    handle_answer(*x);
  else if (auto* x = std::get_if<connack>(&packet))
    handle_connack(*x);
  else if (auto* x = std::get_if<suback>(&packet))
    handle_suback(*x);
  else if (auto* x = std::get_if<mqtt::disconnect>(&packet))
    handle_disconnect(*x);
}

void mqtt_client::handle_connack(const connack& x) {
  if (x.code != 0)
    return end("the hub refuses this client: " + text_of(x.code, x.properties));
  is_accepted_ = true;
  is_first_ = false;
  largest_packet_ = x.properties.number(property_id::maximum_packet_size).value_or(largest_varint);
  receive_maximum_ = static_cast<uint16_t>(
    x.properties.number(property_id::receive_maximum).value_or(65535));
  send_subscriptions();
  resume(x.session_present);
}

void mqtt_client::handle_disconnect(const mqtt::disconnect& x) {
  // A hub that ends may come back.
  if (x.code != reason::server_shutting_down)
    end("the hub ended the connection: " + text_of(static_cast<uint8_t>(x.code), x.properties));
}

void mqtt_client::end(const std::string& why) {
  is_over_ = true;
  output_.ended(why);
}

void mqtt_client::finish() {
  if (is_over_)
    return;
  is_over_ = true;
  if (is_accepted_) {
    property_builder properties;
    properties.add(property_id::session_expiry_interval, 0);
    append(mqtt::disconnect{reason::success, properties.view()});
  }
}

// -- subscribing ------------------------------------------------------------------------------

void mqtt_client::send_subscriptions() {
  if (filters_.empty())
    return;
  mqtt::subscribe request;
  request.packet_id = subscribe_id;
  for (auto& [filter, qos] : filters_) {
    subscription added;
    added.filter = filter;
    added.qos = qos;
    // Not again if the session is still there.
    added.retain_handling = 1;
    request.subscriptions.push_back(added);
  }
  append(request);
}

void mqtt_client::handle_suback(const suback& x) {
  for (size_t index = 0; index < std::min(x.codes.size(), filters_.size()); ++index)
    output_.subscribed(filters_[index].first, x.codes[index]);
}

void mqtt_client::handle_publish(const mqtt::publish& x) {
  auto is_new = x.qos != 2 || received_.insert(x.packet_id).second;
  auto goes_on = !is_new || output_.received(x);
  if (x.qos != 0 && !is_over_)
    append(answer{
      x.qos == 1 ? packet_type::puback : packet_type::pubrec, x.packet_id, reason::success, {}});
  if (!goes_on)
    finish();
}

// -- publishing -------------------------------------------------------------------------------

void mqtt_client::publish(publication what) {
  waiting_.push_back(std::move(what));
  pump();
}

void mqtt_client::pump() {
  while (is_accepted_ && !is_over_ && !waiting_.empty()) {
    if (waiting_.front().qos == 0) {
      ++unanswered_;
      if (!put(waiting_.front(), 0, false))
        return;
    } else {
      if (in_flight_.size() >= std::min<size_t>(receive_maximum_, subscribe_id - 1))
        return;
      auto packet_id = next_packet_id();
      in_flight_.push_back({std::move(waiting_.front()), packet_id, false, reason::success});
      if (!put(in_flight_.back().what, packet_id, false))
        return;
    }
    waiting_.pop_front();
  }
}

bool mqtt_client::put(const publication& what, uint16_t packet_id, bool dup) {
  mqtt::publish packet;
  packet.topic = what.topic;
  packet.payload = what.payload;
  packet.qos = what.qos;
  packet.retain = what.retain;
  packet.dup = dup;
  packet.packet_id = packet_id;
  packet.properties = properties{what.properties};
  auto size = encoded_size(packet, version::v5);
  if (size > largest_packet_) {
    end("a message for " + what.topic + " makes a packet of " + std::to_string(size)
        + " bytes, but the hub takes " + std::to_string(largest_packet_));
    return false;
  }
  if (!out_.empty() && out_.size() + size > largest_write) {
    // The packet is not in this write.
    auto others = unanswered_ - (what.qos == 0 ? 1 : 0);
    output_.write(pipeactor::payload{std::exchange(out_, {})}, others);
    unanswered_ -= others;
  }
  encode(packet, version::v5, out_);
  return true;
}

void mqtt_client::resume(bool session_present) {
  if (!session_present)
    received_.clear();
  for (auto next = in_flight_.begin(); next != in_flight_.end();) {
    if (next->is_received && !session_present) {
      // The hub that had it is gone with its session: to publish it again could bring it twice.
      auto code = next->code;
      next = in_flight_.erase(next);
      output_.published(code);
      continue;
    }
    if (next->is_received)
      append(answer{packet_type::pubrel, next->packet_id, reason::success, {}});
    else if (!put(next->what, next->packet_id, session_present))
      return;
    ++next;
  }
}

void mqtt_client::handle_answer(const answer& x) {
  if (x.type == packet_type::pubrel) {
    auto is_known = received_.erase(x.packet_id) == 1;
    return append(answer{packet_type::pubcomp,
                         x.packet_id,
                         is_known ? reason::success : reason::packet_identifier_not_found,
                         {}});
  }
  auto found = find(x.packet_id);
  auto is_known = found != in_flight_.end();
  if (x.type == packet_type::pubrec && !is_failure(x.code)) {
    append(answer{packet_type::pubrel,
                  x.packet_id,
                  is_known ? reason::success : reason::packet_identifier_not_found,
                  {}});
    if (is_known && !std::exchange(found->is_received, true))
      found->code = x.code;
    return;
  }
  if (!is_known)
    return;
  auto code = found->is_received && !is_failure(x.code) ? found->code : x.code;
  in_flight_.erase(found);
  output_.published(code);
}

std::deque<mqtt_client::unanswered>::iterator mqtt_client::find(uint16_t packet_id) {
  return std::find_if(in_flight_.begin(), in_flight_.end(),
                      [=](const unanswered& x) { return x.packet_id == packet_id; });
}

uint16_t mqtt_client::next_packet_id() {
  do {
    last_packet_id_ = static_cast<uint16_t>(last_packet_id_ % (subscribe_id - 1) + 1);
  } while (find(last_packet_id_) != in_flight_.end());
  return last_packet_id_;
}

void mqtt_client::append(const packet& packet) {
  encode(packet, version::v5, out_);
}

void mqtt_client::flush() {
  if (!out_.empty())
    output_.write(pipeactor::payload{std::exchange(out_, {})}, std::exchange(unanswered_, 0));
}

} // namespace pipehub
