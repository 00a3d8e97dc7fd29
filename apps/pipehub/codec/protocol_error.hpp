#pragma once

#include "codec/types.hpp"

#include <string>

namespace pipehub::mqtt {

/// A packet that breaks the standard.
struct protocol_error {
  /// The code for DISCONNECT or CONNACK in 5.0.
  reason code = reason::malformed_packet;
  /// The conformance statement or, if there is none, the section.
  const char* paragraph = "";
  const char* text = "";
};

/// Returns the standard's name of a code, e.g. "malformed packet".
const char* to_string(reason code);

/// Returns e.g. "CONNECT".
const char* to_string(packet_type type);

/// Returns e.g. "malformed packet [MQTT-3.1.2-3]: the reserved flag of CONNECT is set".
std::string describe(const protocol_error& error);

} // namespace pipehub::mqtt
