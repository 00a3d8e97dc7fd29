#include "model.hpp"

#include <algorithm>
#include <utility>

namespace simulation::hub {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr uint32_t never = 0xFFFFFFFF;

std::optional<time_point> expiry_of(const content& what, time_point now) {
  return what.expiry ? std::optional{now + seconds{*what.expiry}} : std::nullopt;
}

bool is_expired(const std::optional<time_point>& expiry, time_point now) {
  return expiry && *expiry <= now;
}

std::string owed_answer(packet_type type, uint16_t packet_id, reason code, version protocol) {
  return describe(
    packet{answer{type, packet_id, protocol == version::v5 ? code : reason::success, {}}});
}

/// Takes the first level off.
std::string_view take_level(std::string_view& rest) {
  auto result = rest.substr(0, rest.find('/'));
  rest.remove_prefix(std::min(result.size() + 1, rest.size()));
  return result;
}

} // namespace

bool filter_matches(std::string_view filter, std::string_view topic) {
  auto is_special = !topic.empty() && topic.front() == '$';
  if (is_special && (filter.front() == '+' || filter.front() == '#'))
    return false;
  // Levels of these topics are never empty.
  while (!filter.empty()) {
    auto level = take_level(filter);
    if (level == "#")
      return true;
    if (topic.empty())
      return false;
    if (auto name = take_level(topic); level != "+" && level != name)
      return false;
    if (topic.empty() && filter == "#")
      return true;
  }
  return topic.empty();
}

// -- connections ------------------------------------------------------------------------------

void model::opened(link_id id, time_point now) {
  auto& added = links_[id];
  added.last_packet = now;
  added.longest_silence = options_.connect_timeout;
}

void model::handle(link_id id, const act& x, time_point now) {
  auto& from = links_.at(id);
  if (from.is_closing)
    return;
  from.last_packet = now;
  switch (x.type) {
  case packet_type::connect:
    return handle_connect(id, x, now);
  case packet_type::publish:
    return handle_publish(from, x, now);
  case packet_type::subscribe:
    return handle_subscribe(from, x, now);
  case packet_type::unsubscribe:
    return handle_unsubscribe(from, x);
  case packet_type::pingreq:
    from.owed.emplace_back("PINGRESP");
    return;
  case packet_type::disconnect:
    if (x.code == reason::success)
      sessions_[from.session].will.reset();
    from.is_closing = true;
    return detach(from.session, now);
  default:
    return handle_answer(from, x);
  }
}

void model::handle_connect(link_id id, const act& x, time_point now) {
  auto& from = links_.at(id);
  auto known = by_client_.find(x.client_id);
  if (known != by_client_.end()) {
    auto number = known->second;
    if (auto other = sessions_[number].connection) {
      links_.at(*other).is_closing = true;
      detach(number, now);
    }
    if (x.clean && !sessions_[number].has_ended)
      end_session(sessions_[number], number, now);
    known = by_client_.find(x.client_id);
  }
  auto is_present = known != by_client_.end();
  auto number = is_present ? known->second : ++last_session_;
  auto& who = sessions_[number];
  by_client_[x.client_id] = number;
  from.session = number;
  from.protocol = x.protocol;
  from.longest_silence.reset();
  auto keep_alive = x.keep_alive;
  if (x.protocol == version::v5 && options_.longest_keep_alive != 0)
    keep_alive = std::min(keep_alive, options_.longest_keep_alive);
  if (keep_alive != 0)
    from.longest_silence = milliseconds{1500} * keep_alive;
  who.client_id = x.client_id;
  who.protocol = x.protocol;
  who.connection = id;
  who.expiry.reset();
  who.will_time.reset();
  who.expiry_interval = x.protocol == version::v5 ? x.session_expiry : x.clean ? 0 : never;
  who.receive_maximum = x.receive_maximum;
  who.will.reset();
  if (x.what)
    who.will = stored_will{x.what, seconds{x.will_delay}};
  from.owed.push_back(describe(packet{connack{is_present, 0, {}}}));
  for (auto& sent : who.in_flight) {
    sent.is_unsent = !sent.is_received;
    if (sent.is_received)
      from.owed.push_back(
        owed_answer(packet_type::pubrel, sent.packet_id, reason::success, x.protocol));
  }
}

void model::closed(link_id id, time_point now) {
  auto& from = links_.at(id);
  if (from.session != 0 && sessions_[from.session].connection == id)
    detach(from.session, now);
  links_.erase(id);
}

bool model::is_too_silent(const link& x, time_point now) {
  return x.longest_silence && now >= x.last_packet + *x.longest_silence;
}

void model::closed_by_hub(link_id id, time_point now) {
  auto& which = links_.at(id);
  if (!is_too_silent(which, now) && !which.overflowed)
    throw broken_rule("a connection is closed for no reason");
  which.is_closing = true;
  group_ = ++last_group_;
  if (which.session != 0 && sessions_[which.session].connection == id)
    detach(which.session, now);
  group_ = 0;
}

// -- sessions ---------------------------------------------------------------------------------

void model::detach(uint64_t which, time_point now) {
  auto& who = sessions_[which];
  who.connection.reset();
  if (who.expiry_interval == 0)
    return end_session(who, which, now);
  if (who.expiry_interval != never)
    who.expiry = now + seconds{who.expiry_interval};
  if (who.will && who.will->delay.count() == 0)
    publish_will(who, which, now);
  else if (who.will)
    who.will_time = now + who.will->delay;
}

void model::end_session(session& which, uint64_t number, time_point now) {
  publish_will(which, number, now);
  which.has_ended = true;
  which.expiry.reset();
  which.subscriptions.clear();
  by_client_.erase(which.client_id);
}

void model::publish_will(session& of, uint64_t number, time_point now) {
  of.will_time.reset();
  auto will = std::exchange(of.will, std::nullopt);
  if (!will)
    return;
  retain(will->what, now);
  route(will->what, number, now);
}

void model::tick(time_point now) {
  // What is due at the same time comes in any order.
  group_ = ++last_group_;
  for (;;) {
    uint64_t next = 0;
    auto is_will = false;
    auto at = now;
    for (auto& [number, x] : sessions_) {
      for (auto will : {true, false})
        if (auto& due = will ? x.will_time : x.expiry;
            due && (next == 0 ? *due <= at : *due < at)) {
          next = number;
          is_will = will;
          at = *due;
        }
    }
    if (next == 0)
      break;
    auto& who = sessions_[next];
    if (is_will)
      publish_will(who, next, now);
    else
      end_session(who, next, now);
  }
  group_ = 0;
}

void model::crash(time_point now, bool is_kept) {
  links_.clear();
  if (!is_kept) {
    sessions_.clear();
    by_client_.clear();
    retained_.clear();
    return;
  }
  std::vector<uint64_t> connected;
  for (auto next = sessions_.begin(); next != sessions_.end();) {
    auto& [number, who] = *next;
    if (who.has_ended || (who.expiry_interval == 0 && !who.will)) {
      if (!who.has_ended)
        by_client_.erase(who.client_id);
      next = sessions_.erase(next);
      continue;
    }
    // All are gone before the first will is published.
    if (std::exchange(who.connection, {}))
      connected.push_back(number);
    // QoS 0 is not in the state file, nor are the losses just before it.
    auto is_untold = false;
    std::deque<delivery> kept;
    for (auto x = who.waiting.rbegin(); x != who.waiting.rend(); ++x) {
      is_untold = is_untold || x->qos == 0;
      x->may_be_untold = x->may_be_untold || is_untold;
      if (x->qos != 0)
        kept.push_front(*x);
      else if (x->may_be_lost)
        ++who.maybe_lost;
    }
    who.waiting = std::move(kept);
    for (auto& x : who.in_flight)
      x.is_unsent = !x.is_received;
    if (who.expiry_interval == 0)
      who.subscriptions.clear();
    ++next;
  }
  group_ = ++last_group_;
  for (auto number : connected)
    detach(number, now);
  group_ = 0;
}

// -- messages ---------------------------------------------------------------------------------

void model::handle_publish(link& from, const act& x, time_point now) {
  auto& who = sessions_[from.session];
  auto type = x.what->qos == 1 ? packet_type::puback : packet_type::pubrec;
  if (x.what->qos == 2 && !who.received.insert(x.packet_id).second) {
    from.owed.push_back(owed_answer(type, x.packet_id, reason::success, from.protocol));
    return;
  }
  retain(x.what, now);
  auto receivers = route(x.what, from.session, now);
  if (x.what->qos != 0)
    from.owed.push_back(
      owed_answer(type, x.packet_id,
                  receivers == 0 ? reason::no_matching_subscribers : reason::success,
                  from.protocol));
}

void model::retain(const content_ptr& what, time_point now) {
  if (what->retain && what->payload.empty())
    retained_.erase(what->topic);
  else if (what->retain)
    retained_[what->topic] = {what, expiry_of(*what, now)};
}

size_t model::route(const content_ptr& what, uint64_t publisher, time_point now) {
  size_t receivers = 0;
  for (auto& [number, who] : sessions_) {
    delivery added;
    auto is_receiver = false;
    for (auto& [filter, options] : who.subscriptions) {
      if (!filter_matches(filter, what->topic) || (options.no_local && publisher == number))
        continue;
      is_receiver = true;
      added.qos = std::max(added.qos, options.qos);
      added.retain |= options.retain_as_published;
      if (options.identifier != 0)
        added.identifiers.insert(options.identifier);
    }
    if (!is_receiver)
      continue;
    ++receivers;
    added.what = what;
    added.qos = std::min(added.qos, what->qos);
    added.retain = added.retain && what->retain;
    added.expiry = expiry_of(*what, now);
    added.group = group_;
    push(who, std::move(added));
  }
  return receivers;
}

bool model::is_full(const session& x) const {
  size_t messages = 0;
  size_t bytes = 0;
  for (auto& next : x.waiting)
    if (next.is_counted) {
      ++messages;
      bytes += next.what->topic.size() + next.what->payload.size();
    }
  return messages > options_.queue_messages || bytes > options_.queue_bytes;
}

void model::push(session& to, delivery what) {
  if (!to.connection && what.qos == 0)
    return;
  what.number = ++last_delivery_;
  to.waiting.push_back(std::move(what));
  if (!is_full(to))
    return;
  if (to.connection)
    links_.at(*to.connection).overflowed = options_.overflow == pipehub::overflow::disconnect;
  if (options_.overflow != pipehub::overflow::drop_oldest) {
    to.waiting.back().may_be_lost = true;
    return;
  }
  for (auto& next : to.waiting)
    next.may_be_lost = next.is_counted;
}

void model::handle_answer(link& from, const act& x) {
  auto& who = sessions_[from.session];
  auto found = std::find_if(who.in_flight.begin(), who.in_flight.end(),
                            [&](const delivery& d) { return d.packet_id == x.packet_id; });
  auto is_known = found != who.in_flight.end();
  auto code = [](bool known) {
    return known ? reason::success : reason::packet_identifier_not_found;
  };
  if (x.type == packet_type::pubrec) {
    from.owed.push_back(
      owed_answer(packet_type::pubrel, x.packet_id, code(is_known), from.protocol));
    if (is_known)
      found->is_received = true;
  } else if (x.type == packet_type::pubrel) {
    auto was_known = who.received.erase(x.packet_id) == 1;
    from.owed.push_back(
      owed_answer(packet_type::pubcomp, x.packet_id, code(was_known), from.protocol));
  } else if (is_known) {
    who.in_flight.erase(found);
  }
}

// -- subscriptions ----------------------------------------------------------------------------

void model::handle_subscribe(link& from, const act& x, time_point now) {
  auto& who = sessions_[from.session];
  auto wanted = who.wants_losses();
  suback reply;
  reply.packet_id = x.packet_id;
  for (auto& [filter, options] : x.filters) {
    auto is_new = who.subscriptions.count(filter) == 0;
    who.subscriptions[filter] = options;
    reply.codes.push_back(static_cast<reason>(options.qos));
    if (options.retain_handling == 2 || (options.retain_handling == 1 && !is_new))
      continue;
    auto group = ++last_group_;
    for (auto& [topic, kept] : retained_) {
      if (!filter_matches(filter, topic) || is_expired(kept.expiry, now))
        continue;
      delivery added;
      added.what = kept.what;
      added.expiry = kept.expiry;
      added.qos = std::min(kept.what->qos, options.qos);
      added.retain = true;
      added.is_counted = false;
      added.group = group;
      added.number = ++last_delivery_;
      if (options.identifier != 0)
        added.identifiers.insert(options.identifier);
      // None of them comes if the queue is full.
      for (auto& before : who.waiting)
        added.may_vanish = added.may_vanish || before.may_be_lost;
      auto counted = std::count_if(who.waiting.begin(), who.waiting.end(),
                                   [](const delivery& d) { return d.is_counted; });
      added.may_vanish |= static_cast<size_t>(counted) >= options_.queue_messages;
      who.waiting.push_back(std::move(added));
    }
  }
  who.changed_losses |= wanted != who.wants_losses();
  from.owed.push_back(describe(packet{reply}));
}

void model::handle_unsubscribe(link& from, const act& x) {
  auto& who = sessions_[from.session];
  auto wanted = who.wants_losses();
  unsuback reply;
  reply.packet_id = x.packet_id;
  for (auto& [filter, options] : x.filters) {
    auto existed = who.subscriptions.erase(filter) == 1;
    if (from.protocol == version::v5)
      reply.codes.push_back(existed ? reason::success : reason::no_subscription_existed);
  }
  who.changed_losses |= wanted != who.wants_losses();
  from.owed.push_back(describe(packet{reply}));
}

} // namespace simulation::hub
