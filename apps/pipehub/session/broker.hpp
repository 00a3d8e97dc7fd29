#pragma once

#include "codec/packets.hpp"
#include "session/journal.hpp"
#include "session/link.hpp"
#include "session/session.hpp"
#include "topics/subscription_tree.hpp"
#include "topics/topic_tree.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pipehub {

/// The hub's state machine: all of MQTT without any I/O. Its time is what callers say it is. One
/// thread at a time.
///
/// What clients are sent waits for `flush`, so that many packets leave in one write, and none
/// before the journal has what it promises.
class broker {
public:
  /// @param output must outlive the broker
  /// @param log must outlive the broker; nullptr: all is forgotten with it
  broker(const broker_options& options, link_output& output, journal* log = nullptr);
  ~broker();

  /// Begins with what a journal kept, before anything else. Clients that were connected are gone.
  void restore(saved_state state, time_point now);

  // -- events of connections ------------------------------------------------------------------

  /// A client has connected.
  /// @param id no other open connection has it
  /// @param user the user of the client's process, as the kernel says
  void opened(link_id id, std::string user, time_point now);

  /// Bytes of a client have arrived, in pieces of any length.
  void received(link_id id, std::string_view bytes, time_point now);

  /// The operating system has taken the oldest write to a client.
  void written(link_id id, time_point now);

  /// A connection has ended, whoever ended it.
  void closed(link_id id, time_point now);

  // -- time -----------------------------------------------------------------------------------

  /// Does what is due: wills, expiries, clients that have been silent for too long.
  void tick(time_point now);

  /// Returns when `tick` is due next.
  std::optional<time_point> next_tick() const {
    return deadlines_.first();
  }

  // -- output ---------------------------------------------------------------------------------

  /// Ends a turn: commits the journal, then writes what was collected for clients. If the journal
  /// cannot be written, clients whom something was promised are disconnected instead.
  void flush(time_point now);

  /// Returns whether the journal could not be written: until it can be, what it would have to keep
  /// is refused.
  bool is_failing() const noexcept {
    return is_failing_;
  }

  /// Says good-bye to all clients and closes their connections with the next flush.
  void shut_down();

private:
  using subscriptions = subscription_tree<session*>;

  /// A receiver of the message that is being routed.
  struct receiver {
    session* who;
    subscription_options options;
    std::vector<uint32_t> identifiers;
  };

  // broker.cpp
  link* find(link_id id);
  void handle_frames(link& from, time_point now);
  void handle(link& from, const mqtt::packet& packet, time_point now);
  void handle_answer(link& from, const mqtt::answer& x, time_point now);
  void handle_disconnect(link& from, const mqtt::disconnect& x, time_point now);
  void send(link& to, const mqtt::packet& packet);
  void at_silence(link& which, time_point now);

  // broker_connect.cpp
  void handle_connect(link& from, const mqtt::connect& x, time_point now);
  void refuse_connect(link& from, const mqtt::connect& x, mqtt::reason code);
  bool take_over(session& from, const mqtt::connect& x, time_point now);
  session& make_session(std::string user, std::string client_id);
  std::string assign_client_id();
  void accept(link& from, session& to, const mqtt::connect& x, bool is_present, bool is_assigned,
              time_point now);
  static mqtt::reason check_will(const mqtt::will& x);
  void set_will(session& of, const mqtt::connect& x, time_point now);
  void set_keep_alive(link& of, uint16_t seconds, time_point now);

  // broker_end.cpp
  void end_with(link& which, const mqtt::protocol_error& error, time_point now);
  void disconnect(link& which, mqtt::reason code, const char* text, time_point now);
  void doom(link& which, mqtt::reason code);
  void settle(time_point now);
  void detach(session& from, time_point now);
  void end_session(session& which, time_point now);
  void publish_will(session& of, time_point now);

  // broker_journal.cpp
  void save(session& which);
  void unsave(session& which);
  session& restore_session(const saved_session& from);
  void add_received(session& who, uint16_t packet_id);
  bool remove_received(session& who, uint16_t packet_id);
  bool commit(time_point now);
  void break_promises(time_point now);
  void break_connection(link& which, time_point now);

  // broker_publish.cpp
  void handle_publish(link& from, const mqtt::publish& x, time_point now);
  std::optional<std::string_view> resolve_topic(link& from, const mqtt::publish& x, time_point now);
  bool count_received(link& from, const mqtt::publish& x, time_point now);
  void answer_publish(link& to, const mqtt::publish& x, mqtt::reason code);
  void refuse_to_keep(link& from, const mqtt::publish& x, time_point now);
  void retain(const message_ptr& content);
  void set_retained(std::string_view topic, const message_ptr& content);
  size_t route(const message_ptr& content, const session* publisher, time_point now);
  void add_receiver(const subscriptions::entry& x, const session* publisher);
  void add_member(subscriptions::share& group);
  void deliver(const message_ptr& content, time_point now);

  // broker_subscribe.cpp
  void handle_subscribe(link& from, const mqtt::subscribe& x, time_point now);
  void handle_unsubscribe(link& from, const mqtt::unsubscribe& x);
  mqtt::reason add_subscription(session& who, const mqtt::subscription& x, uint32_t identifier,
                                bool& wants_retained);
  void send_retained(session& to, std::string_view filter, const subscription_options& options,
                     time_point now);

  link_context context_;
  deadlines deadlines_;
  std::unordered_map<link_id, std::unique_ptr<link>> links_;
  std::unordered_map<std::string, std::unique_ptr<session>> sessions_;
  subscriptions subscriptions_;
  topic_tree<message_ptr> retained_;
  uint64_t assigned_ids_ = 0;

  journal* journal_;
  uint64_t last_session_ = 0;
  /// Whether the last attempt to write the journal failed, and when the next one is.
  bool is_failing_ = false;
  deadline retry_{[](time_point) {}};

  // Of the message that is being routed.
  uint64_t route_ = 0;
  std::vector<receiver> receivers_;

  /// Connections that `settle` closes, and why.
  std::map<link_id, mqtt::reason> doomed_;
};

} // namespace pipehub
