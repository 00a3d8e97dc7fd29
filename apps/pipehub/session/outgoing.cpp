#include "session/outgoing.hpp"

#include <algorithm>
#include <string>

namespace pipehub {

namespace {

constexpr std::string_view loss_topic = "$hub/lost";

} // namespace

// -- the queue --------------------------------------------------------------------------------

bool outgoing::push(delivery what, link* to, time_point now, shared_images* images) {
  if (to == nullptr && what.qos == 0)
    return true;
  if (to != nullptr && waiting_.empty() && unsent_ == 0 && can_send(*to, what.qos)) {
    what.lost_before = std::exchange(lost_, 0);
    send(std::move(what), *to, now, images);
    return true;
  }
  return keep(std::move(what));
}

bool outgoing::keep(delivery what) {
  auto size = what.content->size();
  auto is_too_much = [&] {
    return counted_messages_ + 1 > options_.queue_messages
           || counted_bytes_ + size > options_.queue_bytes;
  };
  while (what.is_counted && is_too_much()) {
    if (options_.overflow == overflow::disconnect)
      return false;
    if (options_.overflow == overflow::drop_newest || counted_messages_ == 0) {
      ++lost_;
      return true;
    }
    drop_oldest();
  }
  what.lost_before += std::exchange(lost_, 0);
  counted_messages_ += what.is_counted ? 1 : 0;
  counted_bytes_ += what.is_counted ? size : 0;
  waiting_.push_back(std::move(what));
  return true;
}

void outgoing::drop_oldest() {
  auto oldest = std::find_if(waiting_.begin(), waiting_.end(),
                             [](const delivery& x) { return x.is_counted; });
  forget(*oldest);
  auto lost = oldest->lost_before + 1;
  oldest = waiting_.erase(oldest);
  (oldest != waiting_.end() ? oldest->lost_before : lost_) += lost;
}

void outgoing::forget(const delivery& what) {
  if (what.is_counted) {
    --counted_messages_;
    counted_bytes_ -= what.content->size();
  }
}

// -- sending ----------------------------------------------------------------------------------

bool outgoing::can_send(const link& to, uint8_t qos) const {
  auto most = std::min(to.receive_maximum, options_.send_maximum);
  return to.has_room() && (qos == 0 || in_flight_.size() - unsent_ < most);
}

void outgoing::pump(link& to, time_point now) {
  while (send_again(to, now))
    continue;
  while (unsent_ == 0 && !waiting_.empty() && can_send(to, waiting_.front().qos)) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    forget(next);
    if (!next.content->is_expired(now))
      send(std::move(next), to, now, nullptr);
    else if (next.lost_before != 0)
      (waiting_.empty() ? lost_ : waiting_.front().lost_before) += next.lost_before;
  }
}

void outgoing::send(delivery what, link& to, time_point now, shared_images* images) {
  if (what.lost_before != 0 && !to.is_v5() && tells_losses)
    tell_losses(to, what.lost_before, now);
  auto packet_id = what.qos != 0 ? next_packet_id() : uint16_t{0};
  if (put_delivery(to, what, packet_id, false, now, images) && what.qos != 0)
    in_flight_.push_back({std::move(what), packet_id, true, false});
}

bool outgoing::send_again(link& to, time_point now) {
  if (unsent_ == 0 || !can_send(to, 1))
    return false;
  auto next = std::find_if(in_flight_.begin(), in_flight_.end(),
                           [](const unacknowledged& x) { return !x.is_sent; });
  --unsent_;
  next->is_sent = true;
  // The client may take shorter packets than it did on its last connection.
  if (!put_delivery(to, next->what, next->packet_id, true, now, nullptr))
    in_flight_.erase(next);
  return true;
}

void outgoing::tell_losses(link& to, uint64_t count, time_point now) {
  delivery notice;
  notice.content = std::make_shared<message>(loss_topic, mqtt::properties{}, std::to_string(count),
                                             uint8_t{0}, false, now);
  put_delivery(to, notice, 0, false, now, nullptr);
}

void outgoing::resume(link& to, time_point now) {
  unsent_ = 0;
  for (auto& x : in_flight_) {
    x.is_sent = x.is_received;
    unsent_ += x.is_sent ? 0 : 1;
    if (x.is_received)
      to.send(mqtt::answer{mqtt::packet_type::pubrel, x.packet_id, mqtt::reason::success, {}});
  }
  pump(to, now);
}

uint16_t outgoing::next_packet_id() {
  // Fewer than 65535 are in flight: `send_maximum` is lower.
  do {
    last_packet_id_ = static_cast<uint16_t>(last_packet_id_ % 65535 + 1);
  } while (find(last_packet_id_) != in_flight_.end());
  return last_packet_id_;
}

// -- answers ----------------------------------------------------------------------------------

std::deque<outgoing::unacknowledged>::iterator outgoing::find(uint16_t packet_id) {
  return std::find_if(in_flight_.begin(), in_flight_.end(),
                      [=](const unacknowledged& x) { return x.packet_id == packet_id; });
}

void outgoing::puback(uint16_t packet_id) {
  auto found = find(packet_id);
  if (found != in_flight_.end() && found->is_sent && found->what.qos == 1)
    in_flight_.erase(found);
}

bool outgoing::pubrec(uint16_t packet_id, mqtt::reason code) {
  auto found = find(packet_id);
  if (found == in_flight_.end() || !found->is_sent || found->what.qos != 2)
    return false;
  if (mqtt::is_failure(code))
    in_flight_.erase(found);
  else
    found->is_received = true;
  return true;
}

void outgoing::pubcomp(uint16_t packet_id) {
  auto found = find(packet_id);
  if (found != in_flight_.end() && found->is_received)
    in_flight_.erase(found);
}

} // namespace pipehub
