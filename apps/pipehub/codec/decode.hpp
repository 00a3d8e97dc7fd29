#pragma once

#include "codec/packets.hpp"
#include "codec/protocol_error.hpp"

#include <optional>
#include <string_view>

namespace pipehub::mqtt {

/// Checks the first byte of a packet (2.2; 2.1 in 5.0): its type and flags.
std::optional<protocol_error> check_first_byte(uint8_t first, version protocol, side sender);

/// Decodes a packet, and checks all that the standard asks of a single packet. Copies and
/// allocates nothing but the lists of SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK.
/// @param first the packet's first byte
/// @param body what follows the remaining length; `out` has views of it
/// @param protocol no matter for CONNECT, which says it itself
/// @returns the first fault, or nothing
std::optional<protocol_error> decode(uint8_t first, std::string_view body, version protocol,
                                     side sender, packet& out);

} // namespace pipehub::mqtt
