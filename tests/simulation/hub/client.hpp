#pragma once

#include "act.hpp"
#include "model.hpp"

#include <deque>
#include <set>
#include <string>

namespace simulation::hub {

/// A packet of the hub on its way to a client.
struct arrival {
  packet_type type = packet_type::pingresp;
  uint16_t packet_id = 0;
  uint8_t code = 0;
  bool session_present = false;
  uint8_t qos = 0;
  /// Of PUBLISH: the number of the delivery in the model; 0: none of the model's.
  uint64_t delivery = 0;
};

/// A client that keeps to the standard: its half of a session.
class client {
public:
  client(std::string client_id, version protocol) : id(std::move(client_id)), protocol(protocol) {}

  /// A connection begins. What was to be sent on the last one is not sent.
  void begin(const act& connect);

  /// A packet has come.
  /// @throws broken_rule
  void receive(const arrival& x);

  /// Publishes a message, if the hub's Receive Maximum allows it.
  void publish(content_ptr what, uint16_t receive_maximum);

  /// Sends the oldest acknowledgements.
  void answer(size_t most);

  /// Appends a packet to what is sent.
  void send(act x);

  uint16_t next_packet_id();

  /// Returns whether the hub has answered everything, and the client, too.
  bool is_at_rest() const {
    return in_flight_.empty() && answers_.empty() && received_.empty();
  }

  const std::string id;
  const version protocol;
  /// The hub has accepted it.
  bool is_accepted = false;
  /// Packets to send.
  std::deque<act> out;
  /// Deliveries of QoS 2 that the application has.
  std::set<uint64_t> once;
  size_t messages = 0;

private:
  struct publication {
    act packet;
    bool is_received = false;
  };

  void resume(bool is_present);

  std::deque<publication> in_flight_;
  std::set<uint16_t> received_;
  std::deque<act> answers_;
  uint16_t last_packet_id_ = 0;
};

} // namespace simulation::hub
