#include "session/broker.hpp"
#include "topics/levels.hpp"

#include <algorithm>

namespace pipehub {

using namespace mqtt;

void broker::handle_publish(link& from, const publish& x, time_point now) {
  auto topic = resolve_topic(from, x, now);
  if (!topic)
    return;
  auto& who = *from.session;
  if (x.qos == 2) {
    if (who.received.count(x.packet_id) != 0)
      return answer_publish(from, x, reason::success);
    if (!is_failing_ && !count_received(from, x, now))
      return;
  }
  if (is_failing_ && x.qos > 0)
    return refuse_to_keep(from, x, now);
  if (is_reserved(*topic)) {
    remove_received(who, x.packet_id);
    return answer_publish(from, x, reason::not_authorized);
  }
  auto content = std::make_shared<const message>(*topic, x.properties, x.payload, x.qos, x.retain,
                                                 now);
  if (x.retain)
    retain(content);
  auto receivers = route(content, &who, now);
  answer_publish(from, x, receivers == 0 ? reason::no_matching_subscribers : reason::success);
}

std::optional<std::string_view> broker::resolve_topic(link& from, const publish& x,
                                                      time_point now) {
  auto topic = x.topic;
  auto refuse = [&](reason code, const char* paragraph, const char* text) {
    end_with(from, {code, paragraph, text}, now);
    return std::nullopt;
  };
  if (auto alias = x.properties.number(property_id::topic_alias)) {
    if (*alias > from.aliases_in.size())
      return refuse(reason::topic_alias_invalid, "MQTT-3.3.2-9",
                    "a Topic Alias is greater than the server's Topic Alias Maximum");
    auto& known = from.aliases_in[*alias - 1];
    if (!topic.empty())
      known = topic;
    else if (known.empty())
      return refuse(reason::topic_alias_invalid, "MQTT-3.3.2-7",
                    "a Topic Alias has no topic on this connection");
    topic = known;
  }
  if (count_levels(topic) > most_levels)
    return refuse(reason::topic_name_invalid, "4.7.3", "the topic has more than 200 levels");
  return topic;
}

bool broker::count_received(link& from, const publish& x, time_point now) {
  auto& received = from.session->received;
  // A client of 3.1.1 does not know the limit.
  if (from.is_v5() && received.size() >= context_.options.receive_maximum) {
    end_with(from,
             {reason::receive_maximum_exceeded, "MQTT-3.3.4-7",
              "more PUBLISH packets than the server's Receive Maximum are not completed"},
             now);
    return false;
  }
  add_received(*from.session, x.packet_id);
  return true;
}

void broker::answer_publish(link& to, const publish& x, reason code) {
  if (x.qos == 0)
    return;
  if (!is_failure(code))
    to.promise();
  // A client of 3.1.1 cannot be told (MQTT-3.3.5-2): `encode` leaves the code out.
  send(to, answer{x.qos == 1 ? packet_type::puback : packet_type::pubrec, x.packet_id, code, {}});
}

void broker::refuse_to_keep(link& from, const publish& x, time_point now) {
  if (from.is_v5())
    answer_publish(from, x, reason::quota_exceeded);
  else
    disconnect(from, reason::quota_exceeded, cannot_keep, now);
}

void broker::retain(const message_ptr& content) {
  set_retained(content->topic(), content->payload().empty() ? nullptr : content);
}

void broker::set_retained(std::string_view topic, const message_ptr& content) {
  auto previous = retained_.set(topic, content);
  if (journal_ != nullptr && (content || previous))
    journal_->retain(topic, content, previous);
}

// -- routing ----------------------------------------------------------------------------------

size_t broker::route(const message_ptr& content, const session* publisher, time_point now) {
  ++route_;
  receivers_.clear();
  subscriptions_.match(
    content->topic(), [&](const subscriptions::entry& x) { add_receiver(x, publisher); },
    [&](subscriptions::share& group) { add_member(group); });
  deliver(content, now);
  return receivers_.size();
}

void broker::add_receiver(const subscriptions::entry& x, const session* publisher) {
  auto& who = *x.subscriber;
  if (x.options.no_local && publisher == &who)
    return;
  if (who.route != route_) {
    who.route = route_;
    who.route_place = receivers_.size();
    receivers_.push_back({&who, x.options, {}});
  }
  // Subscriptions that overlap make one delivery, of the highest QoS (MQTT-3.3.4-2).
  auto& to = receivers_[who.route_place];
  to.options.qos = std::max(to.options.qos, x.options.qos);
  to.options.retain_as_published |= x.options.retain_as_published;
  if (x.options.identifier != 0)
    to.identifiers.push_back(x.options.identifier);
}

void broker::add_member(subscriptions::share& group) {
  // The member with the least to do, connected ones first; in turn among equals.
  auto& members = group.members;
  auto cost = [](const subscriptions::entry& x) {
    return std::pair{x.subscriber->connection == nullptr, x.subscriber->messages.load()};
  };
  auto best = group.turn % members.size();
  for (size_t step = 1; step < members.size(); ++step) {
    auto other = (group.turn + step) % members.size();
    if (cost(members[other]) < cost(members[best]))
      best = other;
  }
  group.turn = best + 1;
  auto& chosen = members[best];
  receivers_.push_back({chosen.subscriber, chosen.options, {}});
  if (chosen.options.identifier != 0)
    receivers_.back().identifiers.push_back(chosen.options.identifier);
}

void broker::deliver(const message_ptr& content, time_point now) {
  shared_images images;
  for (auto& to : receivers_) {
    delivery what;
    what.content = content;
    what.qos = std::min(content->qos(), to.options.qos);
    what.retain = content->retain() && to.options.retain_as_published;
    what.identifiers = std::move(to.identifiers);
    auto* connection = to.who->connection;
    if (!to.who->messages.push(std::move(what), connection, now, &images)) {
      // A session without a connection has nobody to disconnect: it keeps what it has.
      if (connection != nullptr)
        doom(*connection, reason::quota_exceeded);
    }
  }
}

} // namespace pipehub
