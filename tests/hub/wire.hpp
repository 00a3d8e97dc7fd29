#pragma once

#include "codec/decode.hpp"
#include "codec/encode.hpp"
#include "codec/frame_reader.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace hub_test {

using namespace pipehub;
using namespace pipehub::mqtt;

/// Makes bytes of a notation: hexadecimal digits in pairs; 'text' for a string with its length;
/// [...] for properties with their length; * for the remaining length of all that follows.
std::string wire(std::string_view notation);

/// Decodes one packet, which arrives in one piece.
/// @param out has views of `bytes`
std::optional<protocol_error> decode_wire(std::string_view bytes, version protocol, side sender,
                                          packet& out);

/// Returns the view of encoded bytes.
std::string_view text_of(const buffer& bytes);

/// Checks that a packet is refused with this code, and for the reason that the case's name begins
/// with: "3.1.1 MQTT-2.3.1-1: words" is a statement of 3.1.1. Also if it arrives byte by byte.
void check_refused(std::string_view name, side sender, std::string_view notation, reason code);

/// Checks that a packet is taken, also if it arrives byte by byte, and that encoding what was
/// decoded gives the same bytes.
void check_taken(version protocol, side sender, std::string_view notation);

/// A case about a client's packet that breaks the standard.
#define REFUSED(name, notation, code)                                                              \
  TEST_CASE(name, "[codec]") {                                                                     \
    hub_test::check_refused(name, side::client, notation, code);                                   \
  }

/// A case about a server's packet that breaks the standard.
#define REFUSED_FROM_SERVER(name, notation, code)                                                  \
  TEST_CASE(name, "[codec]") {                                                                     \
    hub_test::check_refused(name, side::server, notation, code);                                   \
  }

} // namespace hub_test
