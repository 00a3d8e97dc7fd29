#include "session/broker.hpp"
#include "topics/levels.hpp"

#include <algorithm>

namespace pipehub {

using namespace mqtt;

namespace {

/// Returns how long the session is to last after the connection, in seconds. A session of 3.1.1
/// that is not clean lasts until the client asks for a clean one.
uint32_t expiry_interval_of(const connect& x) {
  if (x.protocol == version::v5)
    return x.properties.number(property_id::session_expiry_interval).value_or(0);
  return x.clean_start ? 0 : never_expires;
}

/// Returns the code for a client of 3.1.1 (3.2.2.3).
uint8_t connect_return_of(reason code) {
  auto as_byte = [](connect_return x) { return static_cast<uint8_t>(x); };
  switch (code) {
  case reason::unsupported_protocol_version:
    return as_byte(connect_return::unacceptable_protocol_version);
  case reason::client_identifier_not_valid:
    return as_byte(connect_return::identifier_rejected);
  case reason::quota_exceeded:
    return as_byte(connect_return::server_unavailable);
  default:
    return as_byte(connect_return::not_authorized);
  }
}

} // namespace

void broker::handle_connect(link& from, const connect& x, time_point now) {
  if (x.properties.find(property_id::authentication_method))
    return refuse_connect(from, x, reason::bad_authentication_method);
  auto is_assigned = x.client_id.empty();
  if (is_assigned && !from.is_v5() && !x.clean_start)
    return refuse_connect(from, x, reason::client_identifier_not_valid);
  auto client_id = is_assigned ? assign_client_id() : std::string{x.client_id};
  auto found = sessions_.find(client_id);
  auto is_present = false;
  if (found != sessions_.end() && found->second->user != from.user())
    return refuse_connect(from, x, reason::client_identifier_not_valid);
  if (auto why = x.will ? check_will(*x.will) : reason::success; is_failure(why))
    return refuse_connect(from, x, why);
  auto changes_journal = expiry_interval_of(x) != 0 || x.will
                         || (found != sessions_.end() && found->second->number != 0);
  if (is_failing_ && changes_journal)
    return refuse_connect(from, x, reason::quota_exceeded);
  if (found != sessions_.end()) {
    is_present = take_over(*found->second, x, now);
  }
  auto& who = is_present ? *found->second : make_session(from.user(), std::move(client_id));
  accept(from, who, x, is_present, is_assigned, now);
}

void broker::refuse_connect(link& from, const connect& x, reason code) {
  connack refusal;
  refusal.code = x.protocol == version::v5 ? static_cast<uint8_t>(code) : connect_return_of(code);
  from.send(refusal);
  from.close(farewell::told);
}

bool broker::take_over(session& from, const connect& x, time_point now) {
  // The session may end with its connection.
  auto id = from.client_id;
  if (from.connection != nullptr)
    disconnect(*from.connection, reason::session_taken_over,
               "another connection has this client identifier", now);
  auto found = sessions_.find(id);
  if (found == sessions_.end())
    return false;
  if (x.clean_start)
    end_session(*found->second, now);
  return !x.clean_start;
}

session& broker::make_session(std::string user, std::string client_id) {
  auto expire = [this, client_id](time_point now) {
    if (auto found = sessions_.find(client_id); found != sessions_.end())
      end_session(*found->second, now);
  };
  auto publish = [this, client_id](time_point now) {
    if (auto found = sessions_.find(client_id); found != sessions_.end())
      publish_will(*found->second, now);
  };
  auto& result = sessions_[client_id];
  result = std::make_unique<session>(client_id, std::move(user), context_.options, expire, publish);
  return *result;
}

std::string broker::assign_client_id() {
  std::string result;
  do {
    result = "hub-" + std::to_string(++assigned_ids_);
  } while (sessions_.count(result) != 0);
  return result;
}

void broker::accept(link& from, session& to, const connect& x, bool is_present, bool is_assigned,
                    time_point now) {
  from.session = &to;
  from.reader.protocol(x.protocol);
  to.connection = &from;
  to.expiry.clear();
  to.will_delay.clear();
  auto number = [&x](property_id id, uint32_t otherwise) {
    return x.properties.number(id).value_or(otherwise);
  };
  auto& options = context_.options;
  from.largest_packet = number(property_id::maximum_packet_size, largest_varint);
  from.receive_maximum = static_cast<uint16_t>(number(property_id::receive_maximum, 65535));
  from.most_aliases_out = static_cast<uint16_t>(
    std::min<uint32_t>(number(property_id::topic_alias_maximum, 0), options.topic_aliases));
  from.aliases_in.resize(from.is_v5() ? options.topic_aliases : 0);
  auto was_kept = to.is_kept();
  to.expiry_interval = expiry_interval_of(x);
  if (was_kept && to.expiry_interval == 0)
    unsave(to);
  set_will(to, x, now);
  save(to);

  connack reply;
  reply.session_present = is_present;
  property_builder properties;
  auto keep_alive = x.keep_alive;
  if (from.is_v5()) {
    properties.add(property_id::receive_maximum, options.receive_maximum)
      .add(property_id::topic_alias_maximum, options.topic_aliases);
    if (options.largest_packet < largest_varint)
      properties.add(property_id::maximum_packet_size,
                     static_cast<uint32_t>(options.largest_packet));
    if (is_assigned)
      properties.add(property_id::assigned_client_identifier, to.client_id);
    if (options.longest_keep_alive != 0 && keep_alive > options.longest_keep_alive) {
      keep_alive = options.longest_keep_alive;
      properties.add(property_id::server_keep_alive, keep_alive);
    }
    reply.properties = properties.view();
  }
  set_keep_alive(from, keep_alive, now);
  if (!is_failing_)
    from.promise();
  send(from, reply);
  to.messages.resume(from, now);
}

/// A will is a publication, whose publisher cannot be told any more that it is refused.
reason broker::check_will(const mqtt::will& x) {
  if (count_levels(x.topic) > most_levels)
    return reason::topic_name_invalid;
  return is_reserved(x.topic) ? reason::not_authorized : reason::success;
}

void broker::set_will(session& of, const connect& x, time_point now) {
  of.will.reset();
  if (!x.will)
    return;
  stored_will added;
  added.content = std::make_shared<message>(x.will->topic, x.will->properties, x.will->payload,
                                            x.will->qos, x.will->retain, now);
  added.delay = std::chrono::seconds{
    x.will->properties.number(property_id::will_delay_interval).value_or(0)};
  of.will = std::move(added);
}

void broker::set_keep_alive(link& of, uint16_t seconds, time_point now) {
  of.silence.clear();
  if (seconds == 0)
    return;
  of.longest_silence = std::chrono::milliseconds{1500} * seconds;
  of.silence.set(deadlines_, now + of.longest_silence);
}

} // namespace pipehub
