#include "codec/byte_cursor.hpp"
#include "codec/put.hpp"
#include "codec/topic_rules.hpp"
#include "codec/utf8.hpp"
#include "state/state_file.hpp"
#include "topics/levels.hpp"

#include <set>
#include <sqlite3.h>

namespace pipehub {

namespace {

constexpr uint64_t any = INT64_MAX;
constexpr uint64_t any_32_bits = UINT32_MAX;

/// SQLite checks how its pages hang together, but not what is in them.
void require(bool holds, const char* text) {
  if (!holds)
    throw database_error{SQLITE_CORRUPT, text};
}

bool is_text(std::string_view bytes) {
  return bytes.size() <= mqtt::longest_text && mqtt::check_utf8(bytes) == mqtt::utf8_fault::none;
}

bool is_topic(std::string_view topic) {
  return !topic.empty() && is_text(topic) && !mqtt::has_wildcard(topic)
         && count_levels(topic) <= most_levels;
}

bool is_filter(std::string_view filter) {
  return is_text(filter) && !mqtt::check_filter(mqtt::split_shared(filter).filter)
         && count_levels(filter) <= most_levels;
}

mqtt::properties properties_of(std::string_view raw) {
  mqtt::buffer bytes;
  require(raw.size() <= mqtt::largest_varint, "properties are too long");
  mqtt::put_varint(bytes, static_cast<uint32_t>(raw.size()));
  mqtt::put_bytes(bytes, raw);
  mqtt::byte_cursor cursor{{reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                           mqtt::version::v5};
  mqtt::properties::read(cursor, mqtt::in_publish);
  require(cursor.ok(), "properties of a message are malformed");
  return mqtt::properties{raw};
}

saved_session& session_of(std::map<uint64_t, saved_session>& all, uint64_t number) {
  auto found = all.find(number);
  require(found != all.end(), "a session is missing");
  return found->second;
}

std::vector<uint32_t> identifiers_of(std::string_view bytes) {
  std::vector<uint32_t> result;
  require(bytes.size() % 4 == 0, "Subscription Identifiers are malformed");
  for (size_t at = 0; at < bytes.size(); at += 4) {
    uint32_t identifier = 0;
    for (size_t index = 0; index < 4; ++index)
      identifier |= uint32_t{static_cast<uint8_t>(bytes[at + index])} << (8 * index);
    require(identifier != 0 && identifier <= mqtt::largest_varint,
            "a Subscription Identifier is out of its range");
    result.push_back(identifier);
  }
  return result;
}

} // namespace

// -- rows -------------------------------------------------------------------------------------

std::optional<time_point> state_file::from_unix(const std::optional<int64_t>& at) const {
  if (!at)
    return {};
  // Years from now at most: no sum of times overflows.
  constexpr std::chrono::milliseconds far{std::chrono::hours{24 * 365 * 150}};
  std::chrono::milliseconds when{*at};
  auto begin = clock_(time_point{});
  require(when < begin + far && when > begin - far, "a time is out of its range");
  return time_point{} + (when - begin);
}

state_file::messages_by_number state_file::load_messages() {
  messages_by_number result;
  statement rows{database_, "SELECT number, topic, properties, payload, qos, retain,"
                            " expiry_seconds, expiry FROM message"};
  while (rows.next()) {
    auto number = rows.number_up_to(any);
    auto topic = rows.bytes();
    require(is_topic(topic), "the topic of a message is malformed");
    auto properties = properties_of(rows.bytes());
    auto payload = rows.bytes();
    auto qos = static_cast<uint8_t>(rows.number_up_to(2));
    auto retain = rows.flag();
    std::optional<uint32_t> seconds;
    if (auto value = rows.optional_number())
      seconds = static_cast<uint32_t>(*value);
    auto expiry = from_unix(rows.optional_number());
    result[number] = std::make_shared<const message>(topic, properties, payload, qos, retain,
                                                     seconds, expiry);
    numbers_.begin_after(number);
  }
  return result;
}

message_ptr state_file::use(const messages_by_number& messages, uint64_t number) {
  auto found = messages.find(number);
  require(found != messages.end(), "a message is missing");
  numbers_.restore(found->second, number);
  return found->second;
}

state_file::sessions_by_number state_file::load_sessions(const messages_by_number& messages) {
  sessions_by_number result;
  statement rows{database_, "SELECT number, client_id, user, expiry_interval, is_connected,"
                            " expiry, will, will_delay, will_time, lost FROM session"};
  std::set<std::string> names;
  while (rows.next()) {
    session_record x;
    x.number = rows.number_up_to(any);
    require(x.number != 0, "a session has the number 0");
    x.client_id = rows.bytes();
    require(is_text(x.client_id) && names.insert(x.client_id).second,
            "a client identifier is malformed, or comes twice");
    x.user = rows.bytes();
    x.expiry_interval = static_cast<uint32_t>(rows.number_up_to(any_32_bits));
    x.is_connected = rows.flag();
    x.expiry = from_unix(rows.optional_number());
    auto will = rows.optional_number();
    auto delay = std::chrono::seconds{rows.number_up_to(any_32_bits)};
    if (will) {
      auto content = use(messages, static_cast<uint64_t>(*will));
      wills_[x.number] = content;
      // Its expiry begins when it is published.
      x.will = stored_will{std::make_shared<message>(*content), delay};
    }
    x.will_time = from_unix(rows.optional_number());
    x.lost = rows.number_up_to(any);
    result[x.number].about = std::move(x);
  }
  return result;
}

void state_file::load_subscriptions(sessions_by_number& sessions) {
  statement rows{database_, "SELECT session, filter, qos, no_local, retain_as_published,"
                            " retain_handling, identifier FROM subscription"};
  while (rows.next()) {
    auto& of = session_of(sessions, rows.number_up_to(any));
    auto filter = rows.bytes();
    require(is_filter(filter), "a topic filter is malformed");
    subscription_options options;
    options.qos = static_cast<uint8_t>(rows.number_up_to(2));
    options.no_local = rows.flag();
    options.retain_as_published = rows.flag();
    options.retain_handling = static_cast<uint8_t>(rows.number_up_to(2));
    options.identifier = static_cast<uint32_t>(rows.number_up_to(mqtt::largest_varint));
    of.subscriptions[std::string{filter}] = options;
  }
}

void state_file::load_deliveries(sessions_by_number& sessions, const messages_by_number& messages) {
  statement rows{database_, "SELECT session, number, message, qos, retain, is_counted, lost_before,"
                            " identifiers, packet_id, is_received FROM delivery"
                            " ORDER BY session, number"};
  std::set<std::pair<const saved_session*, uint16_t>> used;
  while (rows.next()) {
    auto& of = session_of(sessions, rows.number_up_to(any));
    delivery_record x;
    x.what.number = rows.number_up_to(any);
    require(x.what.number != 0, "a message of a queue has the number 0");
    x.what.content = use(messages, rows.number_up_to(any));
    x.what.qos = static_cast<uint8_t>(rows.number_up_to(2));
    require(x.what.qos != 0, "a message of a queue has QoS 0");
    x.what.retain = rows.flag();
    x.what.is_counted = rows.flag();
    x.what.lost_before = rows.number_up_to(any);
    x.what.identifiers = identifiers_of(rows.bytes());
    x.packet_id = static_cast<uint16_t>(rows.number_up_to(UINT16_MAX));
    x.is_received = rows.flag();
    require(x.packet_id == 0 || used.emplace(&of, x.packet_id).second,
            "a packet identifier is used twice");
    of.messages.push_back(std::move(x));
  }
}

void state_file::load_received(sessions_by_number& sessions) {
  statement rows{database_, "SELECT session, packet_id FROM received"};
  while (rows.next()) {
    auto& of = session_of(sessions, rows.number_up_to(any));
    of.received.insert(static_cast<uint16_t>(rows.number_up_to(UINT16_MAX)));
  }
}

std::vector<message_ptr> state_file::load_retained(const messages_by_number& messages) {
  std::vector<message_ptr> result;
  statement rows{database_, "SELECT topic, message FROM retained"};
  while (rows.next()) {
    auto topic = rows.bytes();
    result.push_back(use(messages, rows.number_up_to(any)));
    require(result.back()->topic() == topic, "a retained message has another topic");
  }
  return result;
}

saved_state state_file::load() {
  auto messages = load_messages();
  auto sessions = load_sessions(messages);
  load_subscriptions(sessions);
  load_deliveries(sessions, messages);
  load_received(sessions);
  saved_state result;
  result.retained = load_retained(messages);
  for (auto& [number, loaded] : sessions)
    result.sessions.push_back(std::move(loaded));
  // Nobody has any other message.
  for (auto& [number, content] : messages)
    if (content.use_count() == 1)
      changed_messages_[number].reset();
  return result;
}

} // namespace pipehub
