#pragma once

#include "codec/types.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pipehub {

/// What happens to a message for a client whose queue is full.
enum class overflow : uint8_t {
  /// The oldest message of the queue is lost.
  drop_oldest,
  /// The new message is lost.
  drop_newest,
  /// The client is disconnected, and its queue is lost if its session ends.
  disconnect,
};

/// Limits of a hub. Sizes are in bytes.
struct broker_options {
  /// The longest packet that a client may send, and that is sent to one.
  size_t largest_packet = size_t{64} << 20;

  /// How many PUBLISH packets of QoS 2 a client may send before they are completed (Receive
  /// Maximum).
  uint16_t receive_maximum = 1024;

  /// How many of QoS 1 and 2 are on their way to a client at once, if it does not ask for fewer.
  uint16_t send_maximum = 1024;

  /// Topic aliases that a client may use, and that are used for a client at most.
  uint16_t topic_aliases = 64;

  /// A client of 5.0 that asks for a longer keep alive gets this one (Server Keep Alive). 0: none.
  uint16_t longest_keep_alive = 60;

  /// How long a connection may last without a CONNECT.
  std::chrono::milliseconds connect_timeout{10000};

  /// What may wait for one client.
  size_t queue_messages = 10000;
  size_t queue_bytes = size_t{64} << 20;
  pipehub::overflow overflow = pipehub::overflow::drop_oldest;

  /// How much of it is given to the client's connection at a time; the rest waits, and can still
  /// be dropped.
  size_t window = size_t{256} << 10;

  /// What may wait in a connection, answers included, before the client is given up.
  size_t longest_backlog = size_t{8} << 20;

  /// The longest single write, except for a packet that is longer. Writes hold whole packets.
  size_t largest_write = size_t{64} << 10;

  /// How many subscriptions a client may have.
  size_t subscriptions = 100000;
};

} // namespace pipehub
