// What the hub sends, compared with what it has to send.

#include "model.hpp"

#include <algorithm>
#include <cstddef>

namespace simulation::hub {

namespace {

constexpr std::string_view loss_topic = "$hub/lost";

uint64_t number_in(std::string_view text) {
  return std::stoull(std::string{text});
}

/// Returns the user property `lost`, or 0.
uint64_t losses_in(const publish& x) {
  uint64_t result = 0;
  x.properties.for_each([&](const property& p) {
    if (p.id == property_id::user_property && p.text == "lost")
      result = number_in(p.value);
  });
  return result;
}

std::multiset<uint32_t> identifiers_in(const publish& x) {
  std::multiset<uint32_t> result;
  x.properties.for_each([&](const property& p) {
    if (p.id == property_id::subscription_identifier)
      result.insert(p.number);
  });
  return result;
}

} // namespace

bool model::session::wants_losses() const {
  auto has = [this](const char* filter) { return subscriptions.count(filter) != 0; };
  return has("$hub/lost") || has("$hub/+") || has("$hub/#");
}

uint64_t model::sent(link_id id, const packet& x, time_point now) {
  auto& to = links_.at(id);
  if (auto* message = std::get_if<publish>(&x)) {
    if (to.session == 0)
      throw broken_rule("a message comes before CONNACK");
    return check_publish(id, to, sessions_[to.session], *message, now);
  }
  if (std::holds_alternative<disconnect>(x)) {
    if (to.protocol != version::v5)
      throw broken_rule("a client of 3.1.1 gets DISCONNECT");
    return 0;
  }
  auto text = describe(x);
  if (to.owed.empty() || to.owed.front() != text)
    throw broken_rule("the hub sends " + text + ", but owes "
                      + (to.owed.empty() ? "nothing" : to.owed.front()));
  to.owed.pop_front();
  return 0;
}

bool model::matches(const delivery& expected, const publish& x, version protocol) {
  return expected.what->payload == x.payload && expected.what->topic == x.topic
         && expected.qos == x.qos && expected.retain == x.retain
         && (protocol == version::v311 || expected.identifiers == identifiers_in(x));
}

uint64_t model::check_publish(link_id id, link& to, session& who, const publish& x,
                              time_point now) {
  if (x.topic == loss_topic) {
    if (to.protocol == version::v5 || to.notice)
      throw broken_rule("a message on $hub/lost that must not be");
    to.notice = number_in(x.payload);
    return 0;
  }
  if (x.dup)
    return check_again(who, x);
  auto is_current = who.connection == id && !who.has_ended;
  auto is_unsent = [](const delivery& d) { return d.is_unsent; };
  if (is_current && std::any_of(who.in_flight.begin(), who.in_flight.end(), is_unsent))
    throw broken_rule("a message comes before those that have to be sent again");
  auto notice = std::exchange(to.notice, std::nullopt);
  auto is_told = to.protocol == version::v5 || notice || who.wants_losses();
  // The hub may have sent it before a subscription of this turn.
  is_told = is_told && (to.protocol == version::v5 || notice || !who.changed_losses);
  auto told = to.protocol == version::v5 ? losses_in(x) : notice.value_or(0);
  // The same message can be in a queue twice: the losses tell which one it is.
  std::optional<std::string> error;
  for (size_t index = 0; index < who.waiting.size(); ++index) {
    if (!matches(who.waiting[index], x, to.protocol))
      continue;
    auto found = look_before(who, index, now);
    if (found.error.empty() && is_told)
      found.error = compare_losses(who, found, told);
    if (found.error.empty()) {
      who.told = is_told ? who.told + told : who.lost + found.lost;
      who.lost += found.lost;
      who.maybe_lost += found.maybe_lost;
      return deliver(id, who, index, x.packet_id);
    }
    if (!error)
      error = found.error;
  }
  throw broken_rule(error.value_or("the client must not get this (again)"));
}

/// Takes a delivery off the queue, with all that is lost before it.
uint64_t model::deliver(link_id id, session& who, size_t index, uint16_t packet_id) {
  auto what = std::move(who.waiting[index]);
  auto end = who.waiting.begin() + static_cast<std::ptrdiff_t>(index);
  auto is_over = [&](const delivery& d) { return what.group == 0 || d.group != what.group; };
  end = who.waiting.erase(end);
  who.waiting.erase(std::remove_if(who.waiting.begin(), end, is_over), end);
  auto number = what.number;
  if (packet_id == 0)
    return number;
  auto has_id = [&](const delivery& d) { return d.packet_id == packet_id; };
  if (std::any_of(who.in_flight.begin(), who.in_flight.end(), has_id))
    throw broken_rule("a packet identifier is used twice at a time");
  what.packet_id = packet_id;
  what.is_unsent = who.connection != id || who.has_ended;
  who.in_flight.push_back(std::move(what));
  auto under_way = std::count_if(who.in_flight.begin(), who.in_flight.end(),
                                 [](const delivery& d) { return !d.is_unsent; });
  if (static_cast<size_t>(under_way) > std::min(who.receive_maximum, options_.send_maximum))
    throw broken_rule("more than Receive Maximum messages are under way");
  return number;
}

/// Messages that were not acknowledged come again in their order, before others.
uint64_t model::check_again(session& who, const publish& x) {
  auto found = std::find_if(who.in_flight.begin(), who.in_flight.end(),
                            [](const delivery& d) { return d.is_unsent; });
  if (found == who.in_flight.end() || found->packet_id != x.packet_id
      || !matches(*found, x, who.protocol))
    throw broken_rule("a wrong message is sent again: " + std::string{x.payload.substr(0, 12)});
  found->is_unsent = false;
  return found->number;
}

/// What was before a message in its queue, and did not come, is lost, or has expired.
model::skipped model::look_before(const session& who, size_t index, time_point now) {
  skipped result;
  auto& what = who.waiting[index];
  if (what.expiry && *what.expiry <= now)
    result.error = "a message comes after it has expired";
  for (size_t i = 0; i < index; ++i) {
    auto& next = who.waiting[i];
    if (what.group != 0 && next.group == what.group) {
      // Of its group others may be lost before it.
      result.later += next.may_be_lost ? 1 : 0;
      continue;
    }
    auto is_expired = next.expiry && *next.expiry <= now;
    if (next.may_be_lost && !is_expired && !next.may_be_untold)
      ++result.lost;
    else if (next.may_be_lost)
      ++result.maybe_lost;
    else if (!is_expired && !next.may_vanish)
      result.error = "a message is missing or comes too late: "
                     + next.what->payload.substr(0, next.what->payload.find(' '));
  }
  for (size_t i = index + 1; i < who.waiting.size(); ++i)
    result.later += what.group != 0 && who.waiting[i].group == what.group
                        && who.waiting[i].may_be_lost
                      ? 1
                      : 0;
  return result;
}

std::string model::compare_losses(const session& who, const skipped& found, uint64_t told) {
  auto all = who.told + told;
  auto least = who.lost + found.lost;
  auto most = least + who.maybe_lost + found.maybe_lost + found.later;
  if (least <= all && all <= most)
    return {};
  return "losses told: " + std::to_string(all) + ", losses: " + std::to_string(least) + " to "
         + std::to_string(most);
}

void model::end_turn(time_point now) {
  for (auto& [id, x] : links_) {
    if (!x.is_closing && !x.owed.empty())
      throw broken_rule("an answer is missing: " + x.owed.front());
    if (!x.is_closing && is_too_silent(x, now))
      throw broken_rule("a client that has been silent for too long is still connected");
    if (x.notice)
      throw broken_rule("no message follows the one on $hub/lost");
    x.overflowed = false;
  }
  for (auto& [number, who] : sessions_)
    who.changed_losses = false;
  for (auto next = sessions_.begin(); next != sessions_.end();)
    next = next->second.has_ended ? sessions_.erase(next) : std::next(next);
  // Later events name a link only by its session.
  for (auto& [id, x] : links_)
    if (sessions_.count(x.session) == 0)
      x.session = 0;
}

void model::at_rest() const {
  for (auto& [number, who] : sessions_) {
    if (!who.connection)
      continue;
    if (!who.in_flight.empty())
      throw broken_rule(who.client_id + " does not get all again: "
                        + who.in_flight.front().what->payload.substr(0, 12));
    for (auto& x : who.waiting)
      if (!x.may_be_lost && !x.may_vanish)
        throw broken_rule(who.client_id + " does not get " + x.what->payload.substr(0, 12));
  }
}

} // namespace simulation::hub
