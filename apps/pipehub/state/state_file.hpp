#pragma once

#include "state/database.hpp"
#include "state/message_numbers.hpp"
#include "state/state.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pipehub {

/// A journal in a file of SQLite's. Changes are collected, the last one of each row, and written in
/// one transaction.
class state_file final : public state {
public:
  /// Takes over a file with its tables.
  state_file(database file, unix_clock clock);

  /// Returns what is in the file. Once, before any change.
  /// @throws database_error
  saved_state load();

  // -- implementation of `state` --------------------------------------------------------------

  void put_session(const session_record& x) override;
  void remove_session(uint64_t session) override;
  void put_lost(uint64_t session, uint64_t lost) override;
  void put_subscription(uint64_t session, std::string_view filter,
                        const subscription_options& options) override;
  void remove_subscription(uint64_t session, std::string_view filter) override;
  void add_delivery(uint64_t session, const delivery_record& x) override;
  void update_delivery(uint64_t session, const delivery_record& x) override;
  void remove_delivery(uint64_t session, const delivery& what) override;
  void add_received(uint64_t session, uint16_t packet_id) override;
  void remove_received(uint64_t session, uint16_t packet_id) override;
  void retain(std::string_view topic, const message_ptr& content,
              const message_ptr& previous) override;
  bool has_changes() const override;
  bool commit() override;

  const std::string& trouble() const override {
    return trouble_;
  }

private:
  struct session_row {
    session_record about;
    /// 0: there is none.
    uint64_t will_message = 0;
  };

  struct delivery_row {
    delivery_record about;
    uint64_t message = 0;
  };

  /// Rows to write, by their keys. Without a value: to delete.
  template <class Key, class Row>
  using changes = std::map<Key, std::optional<Row>>;

  /// The statements that write one table.
  struct writers {
    statement put;
    statement remove;
  };

  // state_file.cpp
  uint64_t number_of(const message_ptr& content);
  void release(const message_ptr& content);
  void clear_changes();

  // state_commit.cpp
  void write_all();
  void write_sessions();
  void write_subscriptions();
  void write_deliveries();
  void write_messages();
  std::optional<int64_t> to_unix(const std::optional<time_point>& at) const;

  // state_load.cpp
  using messages_by_number = std::map<uint64_t, message_ptr>;
  using sessions_by_number = std::map<uint64_t, saved_session>;

  messages_by_number load_messages();
  message_ptr use(const messages_by_number& messages, uint64_t number);
  sessions_by_number load_sessions(const messages_by_number& messages);
  void load_subscriptions(sessions_by_number& sessions);
  void load_deliveries(sessions_by_number& sessions, const messages_by_number& messages);
  void load_received(sessions_by_number& sessions);
  std::vector<message_ptr> load_retained(const messages_by_number& messages);
  std::optional<time_point> from_unix(const std::optional<int64_t>& milliseconds) const;

  unix_clock clock_;
  database database_;
  writers sessions_;
  writers subscriptions_;
  writers deliveries_;
  writers received_;
  writers messages_;
  writers retained_;
  statement put_lost_;
  statement clear_subscriptions_;
  statement clear_received_;

  message_numbers numbers_;
  /// The will of each session in the file.
  std::map<uint64_t, message_ptr> wills_;

  changes<uint64_t, session_row> changed_sessions_;
  std::map<uint64_t, uint64_t> changed_losses_;
  changes<std::pair<uint64_t, std::string>, subscription_options> changed_subscriptions_;
  changes<std::pair<uint64_t, uint64_t>, delivery_row> changed_deliveries_;
  std::map<std::pair<uint64_t, uint16_t>, bool> changed_received_;
  changes<uint64_t, message_ptr> changed_messages_;
  changes<std::string, uint64_t> changed_retained_;

  std::string trouble_;
};

} // namespace pipehub
