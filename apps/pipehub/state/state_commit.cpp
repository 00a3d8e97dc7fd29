#include "state/state_file.hpp"

#include <array>

namespace pipehub {

namespace {

constexpr size_t identifier_size = 4;

std::string identifiers_of(const delivery& what) {
  std::string result;
  for (auto identifier : what.identifiers)
    for (size_t index = 0; index < identifier_size; ++index)
      result += static_cast<char>(identifier >> (8 * index) & 0xFFU);
  return result;
}

int64_t as_number(uint64_t value) {
  return static_cast<int64_t>(value);
}

std::optional<int64_t> as_optional(uint64_t value) {
  return value != 0 ? std::optional{as_number(value)} : std::nullopt;
}

} // namespace

state_file::state_file(database file, unix_clock clock)
    : clock_(std::move(clock)), database_(std::move(file)) {
  auto& in = database_;
  sessions_ = {{in, "INSERT INTO session(number, client_id, user, expiry_interval, is_connected,"
                    " expiry, will, will_delay, will_time, lost)"
                    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT(number) DO UPDATE SET"
                    " expiry_interval = excluded.expiry_interval,"
                    " is_connected = excluded.is_connected, expiry = excluded.expiry,"
                    " will = excluded.will, will_delay = excluded.will_delay,"
                    " will_time = excluded.will_time"},
               {in, "DELETE FROM session WHERE number = ?"}};
  put_lost_ = {in, "UPDATE session SET lost = ? WHERE number = ?"};
  clear_subscriptions_ = {in, "DELETE FROM subscription WHERE session = ?"};
  clear_received_ = {in, "DELETE FROM received WHERE session = ?"};
  subscriptions_ = {{in, "INSERT OR REPLACE INTO subscription(session, filter, qos, no_local,"
                         " retain_as_published, retain_handling, identifier)"
                         " VALUES(?, ?, ?, ?, ?, ?, ?)"},
                    {in, "DELETE FROM subscription WHERE session = ? AND filter = ?"}};
  deliveries_ = {{in, "INSERT OR REPLACE INTO delivery(session, number, message, qos, retain,"
                      " is_counted, lost_before, identifiers, packet_id, is_received)"
                      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
                 {in, "DELETE FROM delivery WHERE session = ? AND number = ?"}};
  received_ = {{in, "INSERT OR REPLACE INTO received(session, packet_id) VALUES(?, ?)"},
               {in, "DELETE FROM received WHERE session = ? AND packet_id = ?"}};
  messages_ = {{in, "INSERT OR REPLACE INTO message(number, topic, properties, payload, qos,"
                    " retain, expiry_seconds, expiry) VALUES(?, ?, ?, ?, ?, ?, ?, ?)"},
               {in, "DELETE FROM message WHERE number = ?"}};
  retained_ = {{in, "INSERT OR REPLACE INTO retained(topic, message) VALUES(?, ?)"},
               {in, "DELETE FROM retained WHERE topic = ?"}};
}

bool state_file::commit() {
  try {
    database_.run("BEGIN IMMEDIATE");
    write_all();
    database_.run("COMMIT");
    clear_changes();
    trouble_.clear();
    return true;
  } catch (const database_error& error) {
    trouble_ = error.text;
  }
  try {
    if (database_.in_transaction())
      database_.run("ROLLBACK");
  } catch (const database_error&) {
    // SQLite has rolled it back already.
  }
  return false;
}

void state_file::write_all() {
  write_messages();
  write_sessions();
  write_subscriptions();
  write_deliveries();
  for (auto& [key, is_added] : changed_received_)
    (is_added ? received_.put : received_.remove).bind(as_number(key.first)).bind(key.second).run();
  for (auto& [topic, number] : changed_retained_) {
    if (number)
      retained_.put.bind(topic).bind(as_number(*number)).run();
    else
      retained_.remove.bind(topic).run();
  }
}

void state_file::write_sessions() {
  for (auto& [number, row] : changed_sessions_) {
    if (!row) {
      clear_subscriptions_.bind(as_number(number)).run();
      clear_received_.bind(as_number(number)).run();
      sessions_.remove.bind(as_number(number)).run();
      continue;
    }
    auto& about = row->about;
    sessions_.put.bind(as_number(number))
      .bind(about.client_id)
      .bind(about.user)
      .bind(int64_t{about.expiry_interval})
      .bind(int64_t{about.is_connected})
      .bind(to_unix(about.expiry))
      .bind(as_optional(row->will_message))
      .bind(about.will ? about.will->delay.count() : int64_t{0})
      .bind(to_unix(about.will_time))
      .run();
  }
  for (auto& [number, lost] : changed_losses_)
    put_lost_.bind(as_number(lost)).bind(as_number(number)).run();
}

void state_file::write_subscriptions() {
  for (auto& [key, options] : changed_subscriptions_) {
    if (!options) {
      subscriptions_.remove.bind(as_number(key.first)).bind(key.second).run();
      continue;
    }
    subscriptions_.put.bind(as_number(key.first))
      .bind(key.second)
      .bind(int64_t{options->qos})
      .bind(int64_t{options->no_local})
      .bind(int64_t{options->retain_as_published})
      .bind(int64_t{options->retain_handling})
      .bind(int64_t{options->identifier})
      .run();
  }
}

void state_file::write_deliveries() {
  for (auto& [key, row] : changed_deliveries_) {
    if (!row) {
      deliveries_.remove.bind(as_number(key.first)).bind(as_number(key.second)).run();
      continue;
    }
    auto& about = row->about;
    auto identifiers = identifiers_of(about.what);
    deliveries_.put.bind(as_number(key.first))
      .bind(as_number(key.second))
      .bind(as_number(row->message))
      .bind(int64_t{about.what.qos})
      .bind(int64_t{about.what.retain})
      .bind(int64_t{about.what.is_counted})
      .bind(as_number(about.what.lost_before))
      .bind(identifiers)
      .bind(int64_t{about.packet_id})
      .bind(int64_t{about.is_received})
      .run();
  }
}

void state_file::write_messages() {
  for (auto& [number, content] : changed_messages_) {
    if (!content) {
      messages_.remove.bind(as_number(number)).run();
      continue;
    }
    auto& what = **content;
    auto seconds = what.expiry_seconds();
    messages_.put.bind(as_number(number))
      .bind(what.topic())
      .bind(what.properties().raw())
      .bind(what.payload())
      .bind(int64_t{what.qos()})
      .bind(int64_t{what.retain()})
      .bind(seconds ? std::optional{int64_t{*seconds}} : std::nullopt)
      .bind(to_unix(what.expiry()))
      .run();
  }
}

std::optional<int64_t> state_file::to_unix(const std::optional<time_point>& at) const {
  return at ? std::optional{int64_t{clock_(*at).count()}} : std::nullopt;
}

} // namespace pipehub
