#pragma once

#include "codec/byte_cursor.hpp"
#include "codec/packets.hpp"

namespace pipehub::mqtt {

// Each function reads the body of one packet. Faults are kept in the cursor.

connect read_connect(byte_cursor& from);
publish read_publish(byte_cursor& from, uint8_t flags, side sender);
answer read_answer(byte_cursor& from, packet_type type);
subscribe read_subscribe(byte_cursor& from);
suback read_suback(byte_cursor& from);
unsubscribe read_unsubscribe(byte_cursor& from);
unsuback read_unsuback(byte_cursor& from);

/// Reads a packet identifier, which must not be 0.
uint16_t read_packet_id(byte_cursor& from);

} // namespace pipehub::mqtt
