#pragma once

#include "codec/packets.hpp"

#include <cstdint>
#include <string>

namespace pipehub {

/// How messages are printed.
struct line_style {
  /// The topic and a space come before the payload.
  bool topic = false;
  /// As a JSON object.
  bool json = false;
};

/// Returns a message as a line, its line feed included.
std::string line_of(const mqtt::publish& message, const line_style& style);

/// Returns how many messages the hub has lost just before this one (its user property `lost`).
uint64_t losses_before(const mqtt::publish& message);

} // namespace pipehub
