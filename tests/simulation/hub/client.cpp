#include "client.hpp"

#include <algorithm>

namespace simulation::hub {

void client::begin(const act& connect) {
  is_accepted = false;
  out.clear();
  answers_.clear();
  out.push_back(connect);
}

void client::send(act x) {
  out.push_back(std::move(x));
}

uint16_t client::next_packet_id() {
  auto is_used = [this](uint16_t id) {
    return std::any_of(in_flight_.begin(), in_flight_.end(),
                       [=](const publication& x) { return x.packet.packet_id == id; });
  };
  do
    last_packet_id_ = static_cast<uint16_t>(last_packet_id_ % 65535 + 1);
  while (is_used(last_packet_id_));
  return last_packet_id_;
}

void client::publish(content_ptr what, uint16_t receive_maximum) {
  if (what->qos != 0 && in_flight_.size() >= receive_maximum)
    return;
  act x;
  x.type = packet_type::publish;
  x.what = std::move(what);
  if (x.what->qos != 0) {
    x.packet_id = next_packet_id();
    in_flight_.push_back({x, false});
  }
  send(std::move(x));
}

void client::answer(size_t most) {
  for (; most > 0 && !answers_.empty(); --most) {
    send(std::move(answers_.front()));
    answers_.pop_front();
  }
}

void client::receive(const arrival& x) {
  act reply;
  reply.packet_id = x.packet_id;
  auto found = std::find_if(in_flight_.begin(), in_flight_.end(), [&](const publication& p) {
    return p.packet.packet_id == x.packet_id;
  });
  switch (x.type) {
  case packet_type::connack:
    is_accepted = true;
    return resume(x.session_present);
  case packet_type::publish:
    if (x.qos == 2 && received_.insert(x.packet_id).second && !once.insert(x.delivery).second)
      throw broken_rule("a message of QoS 2 comes twice");
    ++messages;
    if (x.qos == 0)
      return;
    reply.type = x.qos == 1 ? packet_type::puback : packet_type::pubrec;
    answers_.push_back(reply);
    return;
  case packet_type::pubrel:
    received_.erase(x.packet_id);
    reply.type = packet_type::pubcomp;
    answers_.push_back(reply);
    return;
  case packet_type::pubrec:
    if (found == in_flight_.end())
      throw broken_rule("PUBREC for a message that is not under way");
    found->is_received = true;
    reply.type = packet_type::pubrel;
    answers_.push_back(reply);
    return;
  case packet_type::puback:
  case packet_type::pubcomp:
    if (found == in_flight_.end())
      throw broken_rule("an acknowledgement of a message that is not under way");
    in_flight_.erase(found);
    return;
  default:
    return;
  }
}

void client::resume(bool is_present) {
  if (!is_present) {
    in_flight_.clear();
    received_.clear();
    return;
  }
  for (auto& [packet, is_received] : in_flight_) {
    if (is_received) {
      act release;
      release.type = packet_type::pubrel;
      release.packet_id = packet.packet_id;
      send(release);
    } else {
      packet.dup = true;
      send(packet);
    }
  }
}

} // namespace simulation::hub
