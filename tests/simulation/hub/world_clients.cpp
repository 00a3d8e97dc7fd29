// What clients do.

#include "world_state.hpp"

#include <algorithm>

namespace simulation::hub {

world::wire* world::wire_of(size_t client) {
  for (auto& [id, x] : wires_)
    if (x.client == client && !x.is_left)
      return &x;
  return nullptr;
}

void world::connect_client(size_t index, bool is_calm) {
  auto& who = clients_[index];
  if (auto* last = wire_of(index)) {
    last->is_left = true;
    last->bytes.clear();
    last->packets.clear();
  }
  act x;
  x.type = packet_type::connect;
  x.client_id = who.id;
  x.protocol = who.protocol;
  x.clean = !is_calm && once_in(plan_.clean_starts);
  constexpr uint32_t never = 0xFFFFFFFF;
  x.session_expiry = is_calm ? never : dice_.of({0U, 2U, 30U, never});
  x.keep_alive = static_cast<uint16_t>(is_calm ? 0 : dice_.of({0, 0, 2, 10}));
  if (who.protocol == version::v5 && !is_calm)
    x.receive_maximum = static_cast<uint16_t>(dice_.of({1, 2, 10, 65535}));
  if (!is_calm && once_in(plan_.wills)) {
    x.what = make_content(any_topic(), static_cast<uint8_t>(dice_.below(3)), once_in(plan_.retains),
                          who.protocol == version::v5);
    x.will_delay = who.protocol == version::v5 ? dice_.of({0U, 1U, 10U}) : 0;
  }
  who.begin(x);
  auto id = ++last_link_;
  wires_[id].client = index;
  note(who.id + " opens connection " + std::to_string(id) + ": " + describe(x));
  hub_->opened(id, "uid 1", now_);
  model_.opened(id, now_);
}

void world::arrive(size_t index, size_t most) {
  auto& who = clients_[index];
  auto& from = *wire_of(index);
  for (; !who.out.empty(); who.out.pop_front()) {
    from.bytes += encode_act(who.out.front(), who.protocol);
    from.packets.emplace_back(from.bytes.size(), std::move(who.out.front()));
  }
  auto size = std::min(most, from.bytes.size());
  if (size == 0)
    return;
  auto id = std::find_if(wires_.begin(), wires_.end(), [&](auto& x) {
              return &x.second == &from;
            })->first;
  for (; !from.packets.empty() && from.packets.front().first <= size; from.packets.pop_front()) {
    note("from " + who.id + " (" + std::to_string(id)
         + "): " + describe(from.packets.front().second));
    model_.handle(id, from.packets.front().second, now_);
  }
  for (auto& packet : from.packets)
    packet.first -= size;
  hub_->received(id, std::string_view{from.bytes}.substr(0, size), now_);
  from.bytes.erase(0, size);
}

void world::take(wire& from, size_t most) {
  auto id = std::find_if(wires_.begin(), wires_.end(), [&](auto& x) {
              return &x.second == &from;
            })->first;
  for (; most > 0 && !from.writes.empty(); --most) {
    from.inbox.insert(from.inbox.end(), from.writes.front().begin(), from.writes.front().end());
    from.writes.pop_front();
    hub_->written(id, now_);
  }
}

void world::read(size_t index, size_t most) {
  auto* from = wire_of(index);
  if (from == nullptr)
    return;
  for (; most > 0 && !from->inbox.empty(); --most) {
    auto next = from->inbox.front();
    from->inbox.pop_front();
    clients_[index].receive(next);
  }
  if (from->is_closing && from->writes.empty() && from->inbox.empty())
    end(std::find_if(wires_.begin(), wires_.end(), [from](auto& x) {
          return &x.second == from;
        })->first);
}

// -- requests ---------------------------------------------------------------------------------

content_ptr world::make_content(std::string topic, uint8_t qos, bool retain, bool expires) {
  auto result = std::make_shared<content>();
  result->topic = std::move(topic);
  result->payload = 'm' + std::to_string(++last_content_) + ' '
                    + std::string(dice_.below(plan_.padding + 1), '.');
  result->qos = qos;
  result->retain = retain;
  if (expires && once_in(plan_.expiries))
    result->expiry = dice_.of({1U, 5U, 60U});
  if (retain && dice_.one_in(4))
    result->payload.clear();
  return result;
}

std::string world::any_topic() {
  auto number = std::to_string(dice_.below(plan_.topics));
  return dice_.one_in(2) ? "t/" + number : "u/" + number + "/v";
}

std::string world::any_filter() {
  switch (dice_.below(7)) {
  case 0:
    return "#";
  case 1:
    return "t/+";
  case 2:
    return "u/#";
  case 3:
    return "+/0/#";
  case 4:
    return "$hub/lost";
  default:
    return any_topic();
  }
}

void world::publish_from(size_t index) {
  auto& who = clients_[index];
  auto count = dice_.one_in(4) ? 1 + dice_.below(10) : 1;
  for (; count > 0; --count)
    who.publish(make_content(any_topic(), static_cast<uint8_t>(dice_.below(3)),
                             once_in(plan_.retains), who.protocol == version::v5),
                plan_.hub.receive_maximum);
}

void world::subscribe_client(size_t index) {
  auto& who = clients_[index];
  act x;
  x.type = packet_type::subscribe;
  x.packet_id = who.next_packet_id();
  subscription_options options;
  if (who.protocol == version::v5)
    options.identifier = dice_.of({0U, 1U, 2U, 300U});
  for (auto count = 1 + dice_.below(3); count > 0; --count) {
    options.qos = static_cast<uint8_t>(dice_.below(3));
    if (who.protocol == version::v5) {
      options.no_local = dice_.one_in(4);
      options.retain_as_published = dice_.one_in(2);
      options.retain_handling = static_cast<uint8_t>(dice_.below(3));
    }
    x.filters.emplace_back(any_filter(), options);
  }
  who.send(x);
}

void world::unsubscribe_client(size_t index) {
  auto& who = clients_[index];
  act x;
  x.type = packet_type::unsubscribe;
  x.packet_id = who.next_packet_id();
  for (auto count = 1 + dice_.below(2); count > 0; --count)
    x.filters.emplace_back(any_filter(), subscription_options{});
  who.send(x);
}

} // namespace simulation::hub
