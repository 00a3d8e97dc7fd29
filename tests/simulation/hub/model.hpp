#pragma once

#include "act.hpp"

#include "session/link.hpp"

#include <deque>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

namespace simulation::hub {

using pipehub::link_id;

/// The hub broke a rule.
struct broken_rule : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What is right: the hub's state as the standard and docs/pipehub.md have it, in a plain form. It
/// learns the same events as the hub, in the same order, and checks all that the hub sends. A
/// copy of it is what a state file must have kept.
class model {
public:
  explicit model(const pipehub::broker_options& options) : options_(options) {}

  // -- events ---------------------------------------------------------------------------------

  void opened(link_id id, time_point now);

  /// The last byte of a packet has arrived.
  void handle(link_id id, const act& x, time_point now);

  /// The client has closed its connection.
  void closed(link_id id, time_point now);

  /// Time has passed.
  void tick(time_point now);

  /// The hub has ended without a word, and begins again.
  /// @param is_kept with its state; else with nothing
  void crash(time_point now, bool is_kept);

  // -- what the hub does ----------------------------------------------------------------------

  /// The hub sends a packet.
  /// @returns the number of the delivery, if it is one of a message
  /// @throws broken_rule
  uint64_t sent(link_id id, const packet& x, time_point now);

  /// Returns whether it is known why the hub closes this connection.
  bool is_closing(link_id id) const {
    return links_.at(id).is_closing;
  }

  /// Returns whether a client has sent nothing for too long.
  bool is_silent(link_id id, time_point now) const {
    return is_too_silent(links_.at(id), now);
  }

  /// The hub closes a connection for a reason of its own.
  /// @throws broken_rule if there is none
  void closed_by_hub(link_id id, time_point now);

  /// All has been sent that the events since the last time are answered with.
  /// @throws broken_rule
  void end_turn(time_point now);

  /// Everything is at rest, and every client that is connected takes all it gets.
  /// @throws broken_rule
  void at_rest() const;

private:
  /// A message on its way to one session.
  struct delivery {
    uint64_t number = 0;
    content_ptr what;
    std::optional<time_point> expiry;
    uint8_t qos = 0;
    bool retain = false;
    std::multiset<uint32_t> identifiers;
    /// Limits of the queue count it.
    bool is_counted = true;
    /// The queue was full.
    bool may_be_lost = false;
    /// It may be missing without a word.
    bool may_vanish = false;
    /// If it is lost, the hub may have forgotten to have lost it.
    bool may_be_untold = false;
    /// Deliveries of one group come in any order. 0: none.
    uint64_t group = 0;
    uint16_t packet_id = 0;
    /// Of QoS 2: PUBREC came.
    bool is_received = false;
    /// It has to be sent again on this connection.
    bool is_unsent = false;
  };

  struct stored_will {
    content_ptr what;
    std::chrono::seconds delay{0};
  };

  struct session {
    std::string client_id;
    version protocol = version::v5;
    std::optional<link_id> connection;
    uint32_t expiry_interval = 0;
    std::optional<time_point> expiry;
    std::optional<stored_will> will;
    std::optional<time_point> will_time;
    uint16_t receive_maximum = 65535;
    std::map<std::string, subscription_options> subscriptions;
    std::deque<delivery> in_flight;
    std::deque<delivery> waiting;
    std::set<uint16_t> received;
    bool has_ended = false;
    /// Losses that were told, that must have been told, and that may have been, in all.
    uint64_t told = 0;
    uint64_t lost = 0;
    uint64_t maybe_lost = 0;
    /// In this turn it began or ended to want to be told its losses (3.1.1).
    bool changed_losses = false;

    bool wants_losses() const;
  };

  /// What came before a delivery in its queue, and did not arrive.
  struct skipped {
    uint64_t lost = 0;
    uint64_t maybe_lost = 0;
    /// What may still come, or be lost and told before.
    uint64_t later = 0;
    /// Not empty: it had to arrive.
    std::string error;
  };

  struct link {
    /// 0: no CONNECT came.
    uint64_t session = 0;
    version protocol = version::v5;
    bool is_closing = false;
    time_point last_packet;
    std::optional<std::chrono::milliseconds> longest_silence;
    /// Answers that the hub owes, in their order.
    std::deque<std::string> owed;
    /// What the last message on $hub/lost said.
    std::optional<uint64_t> notice;
    /// Its session's queue was full.
    bool overflowed = false;
  };

  struct retained_message {
    content_ptr what;
    std::optional<time_point> expiry;
  };

  // model.cpp
  void handle_connect(link_id id, const act& x, time_point now);
  void handle_publish(link& from, const act& x, time_point now);
  void handle_answer(link& from, const act& x);
  void handle_subscribe(link& from, const act& x, time_point now);
  void handle_unsubscribe(link& from, const act& x);
  void detach(uint64_t which, time_point now);
  void end_session(session& which, uint64_t number, time_point now);
  void publish_will(session& of, uint64_t number, time_point now);
  void retain(const content_ptr& what, time_point now);
  size_t route(const content_ptr& what, uint64_t publisher, time_point now);
  void push(session& to, delivery what);
  bool is_full(const session& x) const;
  static bool is_too_silent(const link& x, time_point now);

  // model_output.cpp
  uint64_t check_publish(link_id id, link& to, session& who, const publish& x, time_point now);
  uint64_t check_again(session& who, const publish& x);
  static skipped look_before(const session& who, size_t index, time_point now);
  static std::string compare_losses(const session& who, const skipped& found, uint64_t told);
  uint64_t deliver(link_id id, session& who, size_t index, uint16_t packet_id);
  static bool matches(const delivery& expected, const publish& x, version protocol);

  pipehub::broker_options options_;
  std::map<link_id, link> links_;
  std::map<uint64_t, session> sessions_;
  /// Sessions that have not ended.
  std::map<std::string, uint64_t> by_client_;
  std::map<std::string, retained_message> retained_;
  uint64_t last_session_ = 0;
  uint64_t last_delivery_ = 0;
  uint64_t last_group_ = 0;
  /// Of deliveries that are made now.
  uint64_t group_ = 0;
};

/// Returns whether a topic filter matches a topic (4.7).
bool filter_matches(std::string_view filter, std::string_view topic);

} // namespace simulation::hub
