#pragma once

#include "codec/packets.hpp"

namespace pipehub::mqtt {

/// Appends a packet to `out`. Its strings must be no longer than `longest_text`, and the whole no
/// longer than `largest_varint`. Properties are left out in 3.1.1, as are reason codes.
void encode(const packet& packet, version protocol, buffer& out);

/// @copydoc encode
void encode(const publish& packet, version protocol, buffer& out);

/// Returns the length of an encoded PUBLISH.
size_t encoded_size(const publish& packet, version protocol);

} // namespace pipehub::mqtt
