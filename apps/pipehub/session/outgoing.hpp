#pragma once

#include "session/journal.hpp"

#include <deque>

namespace pipehub {

/// The messages on their way to one client: those that wait, and those of QoS 1 and 2 that the
/// client has not acknowledged yet. Part of the client's session.
class outgoing {
public:
  explicit outgoing(const broker_options& options) noexcept : options_(options) {}

  /// Sends a message, or keeps it until it can be sent. QoS 0 is not kept for a client that is not
  /// connected.
  /// @param to nullptr if the client is not connected
  /// @returns false if the client has to be disconnected (`overflow::disconnect`)
  bool push(delivery what, link* to, time_point now, shared_images* images = nullptr);

  /// Sends what waits, as far as the client takes it.
  void pump(link& to, time_point now);

  /// A client is back with its session: sends again what it has not acknowledged (4.4).
  void resume(link& to, time_point now);

  // -- what outlives the hub --------------------------------------------------------------------

  /// Reports messages of QoS 1 and 2 from now on.
  /// @param to must outlive this
  void keep_in(journal& to, uint64_t session) noexcept;

  /// Takes all messages out of the journal, and reports no more.
  void leave_journal();

  /// Adds a message from a journal, at the end.
  void restore(const delivery_record& x);

  /// The same for messages that were lost after the last one of the queue.
  void restore_lost(uint64_t count) noexcept {
    lost_ = count;
  }

  // -- answers of the client ------------------------------------------------------------------

  void puback(uint16_t packet_id);

  /// @returns whether the identifier is in use
  bool pubrec(uint16_t packet_id, mqtt::reason code);

  void pubcomp(uint16_t packet_id);

  // -- looking --------------------------------------------------------------------------------

  /// Returns how many messages wait or are not acknowledged.
  size_t load() const noexcept {
    return waiting_.size() + in_flight_.size();
  }

  /// Returns whether the queue's limits are reached.
  bool is_full() const noexcept {
    return counted_messages_ >= options_.queue_messages || counted_bytes_ >= options_.queue_bytes;
  }

  /// Whether a client of 3.1.1 is to be told its losses by messages on `$hub/lost`.
  bool tells_losses = false;

private:
  struct unacknowledged {
    delivery what;
    uint16_t packet_id = 0;
    /// On this connection.
    bool is_sent = false;
    /// The client has it (QoS 2): PUBREC came.
    bool is_received = false;
  };

  bool keep(delivery what);
  void drop_oldest();
  void pass_on_losses(std::deque<delivery>::iterator next, uint64_t count);
  void add_lost(uint64_t count);
  uint64_t take_lost();
  void erase(std::deque<unacknowledged>::iterator which);
  void save(delivery& what, uint16_t packet_id, bool is_received);
  void unsave(const delivery& what);
  void forget(const delivery& what);
  bool can_send(const link& to, uint8_t qos) const;
  void send(delivery what, link& to, time_point now, shared_images* images);
  bool send_again(link& to, time_point now);
  void tell_losses(link& to, uint64_t count, time_point now);
  std::deque<unacknowledged>::iterator find(uint16_t packet_id);
  uint16_t next_packet_id();

  const broker_options& options_;
  std::deque<delivery> waiting_;
  std::deque<unacknowledged> in_flight_;
  /// Of `in_flight_`: not sent on this connection yet.
  size_t unsent_ = 0;
  size_t counted_messages_ = 0;
  size_t counted_bytes_ = 0;
  /// Messages that were lost after the last one of the queue.
  uint64_t lost_ = 0;
  uint16_t last_packet_id_ = 0;

  /// nullptr: the session does not outlive the hub.
  journal* journal_ = nullptr;
  uint64_t session_ = 0;
  uint64_t last_number_ = 0;
};

} // namespace pipehub
