#pragma once

#include "session/link.hpp"
#include "session/message.hpp"

#include <pipeactor/payload.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace pipehub {

/// A message on its way to one client.
struct delivery {
  message_ptr content;
  /// Its number in the session's journal; 0: it is not in it.
  uint64_t number = 0;
  uint8_t qos = 0;
  bool retain = false;
  /// Whether the queue's limits count it. Retained messages that a new subscription brings are not
  /// counted.
  bool is_counted = true;
  /// Messages that were lost just before this one.
  uint64_t lost_before = 0;
  /// Subscription Identifiers of the subscriptions that it matches.
  std::vector<uint32_t> identifiers;
};

/// PUBLISH packets of QoS 0 that several clients get: each is encoded once per publication.
class shared_images {
public:
  /// Returns the packet for clients of this version without any properties of their own.
  const pipeactor::payload& get(const message& content, bool retain, mqtt::version protocol);

private:
  std::array<pipeactor::payload, 4> images_;
};

/// Appends a PUBLISH to what is written to a client.
/// @param packet_id 0 if the QoS is 0
/// @param images nullptr if nobody else gets the message now
/// @returns false if the packet is longer than the client takes: it counts as sent (MQTT-3.1.2-25)
bool put_delivery(link& to, const delivery& what, uint16_t packet_id, bool dup, time_point now,
                  shared_images* images);

} // namespace pipehub
