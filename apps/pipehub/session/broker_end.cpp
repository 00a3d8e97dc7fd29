#include "session/broker.hpp"

#include <algorithm>

namespace pipehub {

using namespace mqtt;

void broker::end_with(link& which, const protocol_error& error, time_point now) {
  if (which.session != nullptr)
    return disconnect(which, error.code, describe(error).c_str(), now);
  // Before CONNECT was accepted, a client of 5.0 learns the reason by CONNACK, and one of 3.1.1
  // only if the standard has a code for it (MQTT-3.1.4-1).
  auto is_unsupported = error.code == reason::unsupported_protocol_version;
  auto how = farewell::told;
  if (which.is_v5() && error.paragraph != std::string_view{"MQTT-3.1.0-1"})
    which.send(connack{false, static_cast<uint8_t>(error.code), {}});
  else if (is_unsupported && error.paragraph == std::string_view{"MQTT-3.1.2-2"})
    which.send(
      connack{false, static_cast<uint8_t>(connect_return::unacceptable_protocol_version), {}});
  else
    how = farewell::silent;
  which.close(how);
}

void broker::disconnect(link& which, reason code, const char* text, time_point now) {
  if (which.is_closing())
    return;
  auto* who = which.session;
  if (which.is_v5()) {
    property_builder properties;
    properties.add(property_id::reason_string, text);
    // The text is left out if the packet would be too long with it (MQTT-3.14.2-3).
    if (!which.send(mqtt::disconnect{code, properties.view()}))
      which.send(mqtt::disconnect{code, {}});
  }
  which.close(which.is_v5() ? farewell::told : farewell::silent);
  if (who != nullptr)
    detach(*who, now);
}

void broker::doom(link& which, reason code) {
  doomed_.emplace(which.id(), code);
}

void broker::settle(time_point now) {
  // Ends of sessions publish wills, which can fill more queues.
  while (!doomed_.empty()) {
    auto [id, code] = *doomed_.begin();
    doomed_.erase(doomed_.begin());
    if (auto* which = find(id))
      disconnect(*which, code, "the client takes too little of what is sent to it", now);
  }
}

void broker::detach(session& from, time_point now) {
  if (from.connection != nullptr)
    from.connection->session = nullptr;
  from.connection = nullptr;
  if (from.expiry_interval == 0)
    return end_session(from, now);
  if (from.expiry_interval != never_expires)
    from.expiry.set(deadlines_, now + std::chrono::seconds{from.expiry_interval});
  // The will comes at the latest when the session ends, which publishes it.
  if (from.will && from.will->delay.count() == 0)
    publish_will(from, now);
  else if (from.will)
    from.will_delay.set(deadlines_, now + from.will->delay);
  save(from);
}

void broker::end_session(session& which, time_point now) {
  publish_will(which, now);
  for (auto& [filter, options] : which.subscriptions)
    subscriptions_.unsubscribe(filter, &which);
  unsave(which);
  sessions_.erase(sessions_.find(which.client_id));
}

void broker::publish_will(session& of, time_point now) {
  auto will = std::exchange(of.will, std::nullopt);
  of.will_delay.clear();
  if (!will)
    return;
  // Before its expiry begins: the journal has the message as it was.
  save(of);
  will->content->begin_expiry(now);
  message_ptr content = std::move(will->content);
  if (content->retain())
    retain(content);
  route(content, &of, now);
}

} // namespace pipehub
