#pragma once

#include "session/journal.hpp"

#include <stdexcept>
#include <utility>

namespace hub_test {

/// A journal in memory. Throws if the broker reports changes that make no sense.
class memory_journal final : public pipehub::journal {
public:
  /// If true, commits fail.
  bool fails = false;
  size_t commits = 0;

  /// Returns what was committed.
  pipehub::saved_state committed() const {
    pipehub::saved_state result;
    for (auto& [number, x] : committed_.sessions)
      result.sessions.push_back(saved(x));
    for (auto& [topic, content] : committed_.retained)
      result.retained.push_back(content);
    return result;
  }

  void put_session(const pipehub::session_record& x) override {
    require(x.number != 0, "a session without a number");
    require(!x.expiry || !x.is_connected, "a session that is connected and expires");
    auto& about = change().sessions[x.number].about;
    auto lost = about.lost;
    about = x;
    about.lost = lost;
    // The broker still changes the message.
    if (about.will)
      about.will->content = std::make_shared<pipehub::message>(*about.will->content);
  }

  void remove_session(uint64_t session) override {
    require(of(session).messages.empty(), "a session ends, and its messages are kept");
    change().sessions.erase(session);
  }

  void put_lost(uint64_t session, uint64_t lost) override {
    of(session).about.lost = lost;
  }

  void put_subscription(uint64_t session, std::string_view filter,
                        const pipehub::subscription_options& options) override {
    of(session).subscriptions[std::string{filter}] = options;
  }

  void remove_subscription(uint64_t session, std::string_view filter) override {
    require(of(session).subscriptions.erase(std::string{filter}) == 1, "no such subscription");
  }

  void add_delivery(uint64_t session, const pipehub::delivery_record& x) override {
    auto& messages = of(session).messages;
    require(x.what.qos != 0, "a message of QoS 0 is kept");
    require(messages.empty() || messages.rbegin()->first < x.what.number, "not a new number");
    messages.emplace(x.what.number, x);
  }

  void update_delivery(uint64_t session, const pipehub::delivery_record& x) override {
    auto& found = known(session, x.what);
    require(!found.is_received || x.is_received, "a message goes back to an earlier state");
    found = x;
  }

  void remove_delivery(uint64_t session, const pipehub::delivery& what) override {
    known(session, what);
    of(session).messages.erase(what.number);
  }

  void add_received(uint64_t session, uint16_t packet_id) override {
    require(of(session).received.insert(packet_id).second, "received twice");
  }

  void remove_received(uint64_t session, uint16_t packet_id) override {
    require(of(session).received.erase(packet_id) == 1, "was not received");
  }

  void retain(std::string_view topic, const pipehub::message_ptr& content,
              const pipehub::message_ptr& previous) override {
    auto& found = change().retained[std::string{topic}];
    require(found == previous, "another message was retained");
    found = content;
    if (!content)
      now_.retained.erase(std::string{topic});
  }

  bool has_changes() const override {
    return has_changes_;
  }

  bool commit() override {
    if (fails)
      return false;
    ++commits;
    committed_ = now_;
    has_changes_ = false;
    return true;
  }

  /// Forgets what was not committed. With a new broker.
  void crash() {
    now_ = committed_;
    has_changes_ = false;
  }

private:
  struct session_entry {
    pipehub::session_record about;
    std::map<std::string, pipehub::subscription_options, std::less<>> subscriptions;
    std::map<uint64_t, pipehub::delivery_record> messages;
    std::unordered_set<uint16_t> received;
  };

  struct contents {
    std::map<uint64_t, session_entry> sessions;
    std::map<std::string, pipehub::message_ptr> retained;
  };

  static void require(bool holds, const char* text) {
    if (!holds)
      throw std::logic_error(text);
  }

  static pipehub::saved_session saved(const session_entry& x) {
    pipehub::saved_session result{x.about, x.subscriptions, {}, x.received};
    if (auto& will = result.about.will)
      will->content = std::make_shared<pipehub::message>(*will->content);
    for (auto& [number, record] : x.messages)
      result.messages.push_back(record);
    return result;
  }

  contents& change() {
    has_changes_ = true;
    return now_;
  }

  session_entry& of(uint64_t session) {
    auto found = change().sessions.find(session);
    require(found != now_.sessions.end(), "no such session");
    return found->second;
  }

  pipehub::delivery_record& known(uint64_t session, const pipehub::delivery& what) {
    auto& messages = of(session).messages;
    auto found = messages.find(what.number);
    require(found != messages.end() && found->second.what.content == what.content,
            "no such message");
    return found->second;
  }

  contents now_;
  contents committed_;
  bool has_changes_ = false;
};

} // namespace hub_test
