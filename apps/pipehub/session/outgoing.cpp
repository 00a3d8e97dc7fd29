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
    what.lost_before = take_lost();
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
    if (options_.overflow == overflow::disconnect) {
      add_lost(1);
      return false;
    }
    if (options_.overflow == overflow::drop_newest || counted_messages_ == 0) {
      add_lost(1);
      return true;
    }
    drop_oldest();
  }
  what.lost_before += take_lost();
  counted_messages_ += what.is_counted ? 1 : 0;
  counted_bytes_ += what.is_counted ? size : 0;
  save(what, 0, false);
  waiting_.push_back(std::move(what));
  return true;
}

void outgoing::drop_oldest() {
  auto oldest = std::find_if(waiting_.begin(), waiting_.end(),
                             [](const delivery& x) { return x.is_counted; });
  forget(*oldest);
  unsave(*oldest);
  auto lost = oldest->lost_before + 1;
  oldest = waiting_.erase(oldest);
  pass_on_losses(oldest, lost);
}

void outgoing::pass_on_losses(std::deque<delivery>::iterator next, uint64_t count) {
  if (next == waiting_.end())
    return add_lost(count);
  next->lost_before += count;
  if (next->number != 0)
    save(*next, 0, false);
}

void outgoing::add_lost(uint64_t count) {
  lost_ += count;
  if (journal_ != nullptr)
    journal_->put_lost(session_, lost_);
}

uint64_t outgoing::take_lost() {
  if (lost_ != 0 && journal_ != nullptr)
    journal_->put_lost(session_, 0);
  return std::exchange(lost_, 0);
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
    if (!next.content->is_expired(now)) {
      send(std::move(next), to, now, nullptr);
      continue;
    }
    unsave(next);
    if (next.lost_before != 0)
      pass_on_losses(waiting_.begin(), next.lost_before);
  }
}

void outgoing::send(delivery what, link& to, time_point now, shared_images* images) {
  if (what.lost_before != 0 && !to.is_v5() && tells_losses)
    tell_losses(to, what.lost_before, now);
  auto packet_id = what.qos != 0 ? next_packet_id() : uint16_t{0};
  if (!put_delivery(to, what, packet_id, false, now, images))
    return unsave(what);
  if (what.qos == 0)
    return;
  // The client must not know the identifier of a message of QoS 2 before the journal does.
  if (what.qos == 2)
    to.promise();
  save(what, packet_id, false);
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
    erase(next);
  else if (next->what.qos == 2)
    to.promise();
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
    if (!x.is_received)
      continue;
    to.promise();
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
    erase(found);
}

bool outgoing::pubrec(uint16_t packet_id, mqtt::reason code) {
  auto found = find(packet_id);
  if (found == in_flight_.end() || !found->is_sent || found->what.qos != 2)
    return false;
  if (mqtt::is_failure(code)) {
    erase(found);
    return true;
  }
  found->is_received = true;
  save(found->what, packet_id, true);
  return true;
}

void outgoing::pubcomp(uint16_t packet_id) {
  auto found = find(packet_id);
  if (found != in_flight_.end() && found->is_received)
    erase(found);
}

void outgoing::erase(std::deque<unacknowledged>::iterator which) {
  unsave(which->what);
  in_flight_.erase(which);
}

// -- the journal ------------------------------------------------------------------------------

void outgoing::save(delivery& what, uint16_t packet_id, bool is_received) {
  if (journal_ == nullptr || what.qos == 0)
    return;
  auto is_new = what.number == 0;
  if (is_new)
    what.number = ++last_number_;
  delivery_record record{what, packet_id, is_received};
  if (is_new)
    journal_->add_delivery(session_, record);
  else
    journal_->update_delivery(session_, record);
}

void outgoing::unsave(const delivery& what) {
  if (what.number != 0)
    journal_->remove_delivery(session_, what);
}

void outgoing::keep_in(journal& to, uint64_t session) noexcept {
  journal_ = &to;
  session_ = session;
}

void outgoing::leave_journal() {
  auto leave = [this](delivery& what) {
    unsave(what);
    what.number = 0;
  };
  for (auto& what : waiting_)
    leave(what);
  for (auto& x : in_flight_)
    leave(x.what);
  journal_ = nullptr;
}

void outgoing::restore(const delivery_record& x) {
  last_number_ = x.what.number;
  if (x.packet_id != 0) {
    in_flight_.push_back({x.what, x.packet_id, false, x.is_received});
    last_packet_id_ = x.packet_id;
    return;
  }
  counted_messages_ += x.what.is_counted ? 1 : 0;
  counted_bytes_ += x.what.is_counted ? x.what.content->size() : 0;
  waiting_.push_back(x.what);
}

} // namespace pipehub
