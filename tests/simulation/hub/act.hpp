#pragma once

#include "codec/packets.hpp"
#include "session/deadlines.hpp"
#include "topics/subscription_tree.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace simulation::hub {

using namespace pipehub::mqtt;
using pipehub::subscription_options;
using pipehub::time_point;

/// An application message, or a will. No other one has its payload.
struct content {
  std::string topic;
  std::string payload;
  uint8_t qos = 0;
  bool retain = false;
  /// Message Expiry Interval.
  std::optional<uint32_t> expiry;
};

using content_ptr = std::shared_ptr<const content>;

/// A packet of a client. Which fields count depends on its type.
struct act {
  packet_type type = packet_type::pingreq;
  uint16_t packet_id = 0;
  /// Of DISCONNECT.
  reason code = reason::success;

  /// Of PUBLISH; of CONNECT the will.
  content_ptr what;
  bool dup = false;

  // Of CONNECT.
  std::string client_id;
  version protocol = version::v5;
  bool clean = false;
  /// Session Expiry Interval. In 3.1.1 a session that is not clean never ends.
  uint32_t session_expiry = 0;
  uint16_t receive_maximum = 65535;
  uint16_t keep_alive = 0;
  uint32_t will_delay = 0;

  /// Of SUBSCRIBE, and of UNSUBSCRIBE without the options. One identifier for all.
  std::vector<std::pair<std::string, subscription_options>> filters;
};

/// Encodes a packet.
std::string encode_act(const act& x, version protocol);

/// Returns a packet of the hub in words, e.g. "PUBACK 7 16". A PUBLISH is only named.
std::string describe(const packet& x);

/// Returns a packet of a client in words.
std::string describe(const act& x);

} // namespace simulation::hub
