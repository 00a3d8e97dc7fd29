#include "codec/protocol_error.hpp"

namespace pipehub::mqtt {

const char* to_string(reason code) {
  switch (code) {
#define PIPEHUB_REASON_TEXT(name, value, text)                                                     \
  case reason::name:                                                                               \
    return text;
    PIPEHUB_REASONS(PIPEHUB_REASON_TEXT)
#undef PIPEHUB_REASON_TEXT
  }
  return "unknown reason";
}

const char* to_string(packet_type type) {
  constexpr const char* names[] = {"packet 0",  "CONNECT",  "CONNACK",     "PUBLISH",
                                   "PUBACK",    "PUBREC",   "PUBREL",      "PUBCOMP",
                                   "SUBSCRIBE", "SUBACK",   "UNSUBSCRIBE", "UNSUBACK",
                                   "PINGREQ",   "PINGRESP", "DISCONNECT",  "AUTH"};
  return names[static_cast<uint8_t>(type) & 15];
}

std::string describe(const protocol_error& error) {
  return std::string{to_string(error.code)} + " [" + error.paragraph + "]: " + error.text;
}

} // namespace pipehub::mqtt
