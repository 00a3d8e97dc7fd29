#pragma once

#include "codec/frame_reader.hpp"
#include "codec/packets.hpp"

#include <pipeactor/payload.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace pipehub {

/// A message that a client publishes.
struct publication {
  std::string topic;
  std::string payload;
  uint8_t qos = 0;
  bool retain = false;
  /// Properties of PUBLISH, encoded.
  std::string properties;
};

/// What a client tells those who use it.
class client_output {
public:
  /// Writes whole packets.
  /// @param unanswered how many publications of QoS 0 they hold: nothing else tells their end
  virtual void write(pipeactor::payload packets, size_t unanswered) = 0;

  /// The hub has answered for a topic filter. Comes again after each return of the connection.
  virtual void subscribed(const std::string& filter, mqtt::reason code) = 0;

  /// A message has come. It is acknowledged after `handled`.
  /// @returns false if the client is to say good-bye
  virtual bool received(const mqtt::publish& message) = 0;

  /// All messages that arrived together are handled. Their acknowledgements follow.
  virtual void handled() = 0;

  /// The hub has taken a publication of QoS 1 or 2, or has refused it.
  virtual void published(mqtt::reason code) = 0;

  /// The hub wants no more of this client, or is none. Nothing follows.
  virtual void ended(const std::string& why) = 0;

protected:
  ~client_output() = default;
};

/// A client of MQTT 5.0 without any I/O, for one session that outlives its connections. After each
/// loss it subscribes again, and publishes again what the hub has not answered.
class mqtt_client {
public:
  /// @param id the client identifier; no other client has it
  /// @param output must outlive the client
  mqtt_client(std::string id, client_output& output);

  const std::string& id() const noexcept {
    return id_;
  }

  /// Adds a subscription. Before the first `connected`.
  void subscribe(std::string filter, uint8_t qos);

  // -- the connection ---------------------------------------------------------------------------

  /// The connection is open: says hello.
  void connected();

  /// Bytes of the hub have arrived, in pieces of any length.
  void received(std::string_view bytes);

  /// The connection is lost. `connected` may follow.
  void disconnected();

  // -- publishing -------------------------------------------------------------------------------

  /// Publishes a message now, or as soon as the hub takes it.
  void publish(publication what);

  /// Writes what was published. `received` does it, too.
  void flush();

  /// Says good-bye, which ends the session: after a `flush` nothing follows.
  void finish();

private:
  /// A publication of QoS 1 or 2 that the hub has not answered.
  struct unanswered {
    publication what;
    uint16_t packet_id = 0;
    /// The hub has it (QoS 2): PUBREC came.
    bool is_received = false;
    /// What PUBREC said.
    mqtt::reason code = mqtt::reason::success;
  };

  void handle(const mqtt::packet& packet);
  void handle_connack(const mqtt::connack& x);
  void handle_suback(const mqtt::suback& x);
  void handle_publish(const mqtt::publish& x);
  void handle_answer(const mqtt::answer& x);
  void handle_disconnect(const mqtt::disconnect& x);

  void send_subscriptions();
  void resume(bool session_present);
  void pump();
  bool put(const publication& what, uint16_t packet_id, bool dup);
  void append(const mqtt::packet& packet);
  uint16_t next_packet_id();
  std::deque<unanswered>::iterator find(uint16_t packet_id);
  void end(const std::string& why);

  std::string id_;
  client_output& output_;
  std::vector<std::pair<std::string, uint8_t>> filters_;
  mqtt::frame_reader reader_;
  bool is_first_ = true;
  bool is_accepted_ = false;
  bool is_over_ = false;

  // What the hub said in CONNACK.
  size_t largest_packet_ = 0;
  uint16_t receive_maximum_ = 0;

  /// Publications that were not sent yet.
  std::deque<publication> waiting_;
  std::deque<unanswered> in_flight_;
  uint16_t last_packet_id_ = 0;
  /// Packet identifiers of messages of QoS 2 that are not completed.
  std::unordered_set<uint16_t> received_;

  mqtt::buffer out_;
  size_t unanswered_ = 0;
};

} // namespace pipehub
