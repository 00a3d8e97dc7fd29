#include "session/broker.hpp"

#include "codec/topic_rules.hpp"

#include <algorithm>

namespace pipehub {

using namespace mqtt;

namespace {

subscription_options options_of(const subscription& x, uint32_t identifier) {
  return {x.qos, x.no_local, x.retain_as_published, x.retain_handling, identifier};
}

} // namespace

bool session::wants_losses() const {
  auto has = [this](std::string_view filter) { return subscriptions.count(filter) != 0; };
  return has("$hub/lost") || has("$hub/+") || has("$hub/#");
}

void broker::handle_subscribe(link& from, const subscribe& x, time_point now) {
  auto& who = *from.session;
  auto identifier = x.properties.number(property_id::subscription_identifier).value_or(0);
  suback reply;
  reply.packet_id = x.packet_id;
  std::vector<bool> retained;
  for (auto& entry : x.subscriptions) {
    bool wants_retained = false;
    reply.codes.push_back(add_subscription(who, entry, identifier, wants_retained));
    retained.push_back(wants_retained);
  }
  who.messages.tells_losses = who.wants_losses();
  if (who.is_kept() && !is_failing_)
    from.promise();
  send(from, reply);
  // With the options of each entry: the packet can have the same filter twice (MQTT-3.8.4-5).
  for (size_t index = 0; index < retained.size(); ++index)
    if (auto& entry = x.subscriptions[index]; retained[index])
      send_retained(who, entry.filter, options_of(entry, identifier), now);
}

reason broker::add_subscription(session& who, const subscription& x, uint32_t identifier,
                                bool& wants_retained) {
  auto is_v5 = who.connection->is_v5();
  auto parts = split_shared(x.filter);
  if (count_levels(x.filter) > most_levels)
    return is_v5 ? reason::topic_filter_invalid : reason::unspecified_error;
  auto is_known = who.subscriptions.count(x.filter) != 0;
  auto is_too_much = !is_known && who.subscriptions.size() >= context_.options.subscriptions;
  if (is_too_much || (is_failing_ && who.is_kept()))
    return is_v5 ? reason::quota_exceeded : reason::unspecified_error;
  auto options = options_of(x, identifier);
  who.subscriptions[std::string{x.filter}] = options;
  if (who.is_kept())
    journal_->put_subscription(who.number, x.filter, options);
  subscriptions_.subscribe(x.filter, &who, options);
  wants_retained = parts.share_name.empty()
                   && (x.retain_handling == 0 || (x.retain_handling == 1 && !is_known));
  return static_cast<reason>(x.qos);
}

void broker::send_retained(session& to, std::string_view filter,
                           const subscription_options& options, time_point now) {
  // All of them or, if the client's queue is full, none: they are not counted one by one.
  if (to.messages.is_full())
    return;
  std::vector<message_ptr> expired;
  retained_.match(filter, [&](const message_ptr& content) {
    if (content->is_expired(now)) {
      expired.push_back(content);
      return;
    }
    delivery what;
    what.content = content;
    what.qos = std::min(content->qos(), options.qos);
    what.retain = true;
    what.is_counted = false;
    if (options.identifier != 0)
      what.identifiers.push_back(options.identifier);
    to.messages.push(std::move(what), to.connection, now);
  });
  for (auto& content : expired)
    set_retained(content->topic(), nullptr);
}

void broker::handle_unsubscribe(link& from, const unsubscribe& x) {
  auto& who = *from.session;
  unsuback reply;
  reply.packet_id = x.packet_id;
  for (auto filter : x.filters) {
    auto found = who.subscriptions.find(filter);
    if (found == who.subscriptions.end()) {
      reply.codes.push_back(reason::no_subscription_existed);
      continue;
    }
    subscriptions_.unsubscribe(filter, &who);
    who.subscriptions.erase(found);
    if (who.is_kept())
      journal_->remove_subscription(who.number, filter);
    reply.codes.push_back(reason::success);
  }
  who.messages.tells_losses = who.wants_losses();
  if (who.is_kept())
    from.promise();
  send(from, reply);
}

} // namespace pipehub
