#include "codec/encode.hpp"

#include "codec/put.hpp"

namespace pipehub::mqtt {

namespace {

constexpr uint8_t reserved_flags = 2;

uint8_t first_byte(packet_type type, uint8_t flags = 0) {
  return static_cast<uint8_t>(static_cast<uint8_t>(type) << 4 | flags);
}

/// Appends a packet whose body is short: the length goes in front of it at the end.
class framed {
public:
  framed(buffer& out, uint8_t first) : out_(out) {
    put_byte(out, first);
    begin_ = out.size();
  }

  framed(const framed&) = delete;
  framed& operator=(const framed&) = delete;

  ~framed() {
    buffer length;
    put_varint(length, static_cast<uint32_t>(out_.size() - begin_));
    out_.insert(out_.begin() + static_cast<ptrdiff_t>(begin_), length.begin(), length.end());
  }

private:
  buffer& out_;
  size_t begin_;
};

void put_properties(buffer& out, const properties& x) {
  put_varint(out, static_cast<uint32_t>(x.raw().size()));
  put_bytes(out, x.raw());
}

/// Appends a reason code and properties, as short as the standard allows.
void put_reason(buffer& out, version protocol, reason code, const properties& x) {
  if (protocol == version::v311 || (code == reason::success && x.empty()))
    return;
  put_byte(out, static_cast<uint8_t>(code));
  if (!x.empty())
    put_properties(out, x);
}

uint8_t connect_flags(const connect& x) {
  auto bit = [](bool is_set, unsigned position) { return (is_set ? 1U : 0U) << position; };
  auto result = bit(x.clean_start, 1) | bit(x.will.has_value(), 2) | bit(x.password.has_value(), 6)
                | bit(x.user_name.has_value(), 7);
  if (x.will)
    result |= static_cast<unsigned>(x.will->qos) << 3 | bit(x.will->retain, 5);
  return static_cast<uint8_t>(result);
}

uint8_t publish_flags(const publish& x) {
  return static_cast<uint8_t>((x.dup ? 8U : 0U) | static_cast<unsigned>(x.qos) << 1
                              | (x.retain ? 1U : 0U));
}

size_t body_size(const publish& x, version protocol) {
  auto result = 2 + x.topic.size() + (x.qos != 0 ? 2 : 0) + x.payload.size();
  if (protocol == version::v5)
    result += varint_size(static_cast<uint32_t>(x.properties.raw().size()))
              + x.properties.raw().size();
  return result;
}

struct encoder {
  version protocol;
  buffer& out;

  bool is_v5() const {
    return protocol == version::v5;
  }

  void put_optional_properties(const properties& x) const {
    if (is_v5())
      put_properties(out, x);
  }

  void operator()(const connect& x) const {
    framed frame{out, first_byte(packet_type::connect)};
    put_text(out, "MQTT");
    put_byte(out, static_cast<uint8_t>(protocol));
    put_byte(out, connect_flags(x));
    put_two_bytes(out, x.keep_alive);
    put_optional_properties(x.properties);
    put_text(out, x.client_id);
    if (x.will) {
      put_optional_properties(x.will->properties);
      put_text(out, x.will->topic);
      put_text(out, x.will->payload);
    }
    if (x.user_name)
      put_text(out, *x.user_name);
    if (x.password)
      put_text(out, *x.password);
  }

  void operator()(const connack& x) const {
    framed frame{out, first_byte(packet_type::connack)};
    put_byte(out, x.session_present ? 1 : 0);
    put_byte(out, x.code);
    put_optional_properties(x.properties);
  }

  void operator()(const publish& x) const {
    encode(x, protocol, out);
  }

  void operator()(const answer& x) const {
    framed frame{out, first_byte(x.type, x.type == packet_type::pubrel ? reserved_flags : 0)};
    put_two_bytes(out, x.packet_id);
    put_reason(out, protocol, x.code, x.properties);
  }

  void operator()(const subscribe& x) const {
    framed frame{out, first_byte(packet_type::subscribe, reserved_flags)};
    put_two_bytes(out, x.packet_id);
    put_optional_properties(x.properties);
    for (auto& entry : x.subscriptions) {
      put_text(out, entry.filter);
      auto options = static_cast<unsigned>(entry.qos);
      if (is_v5())
        options |= (entry.no_local ? 4U : 0U) | (entry.retain_as_published ? 8U : 0U)
                   | static_cast<unsigned>(entry.retain_handling) << 4;
      put_byte(out, static_cast<uint8_t>(options));
    }
  }

  void operator()(const suback& x) const {
    framed frame{out, first_byte(packet_type::suback)};
    put_two_bytes(out, x.packet_id);
    put_optional_properties(x.properties);
    for (auto code : x.codes)
      put_byte(out, static_cast<uint8_t>(code));
  }

  void operator()(const unsubscribe& x) const {
    framed frame{out, first_byte(packet_type::unsubscribe, reserved_flags)};
    put_two_bytes(out, x.packet_id);
    put_optional_properties(x.properties);
    for (auto filter : x.filters)
      put_text(out, filter);
  }

  void operator()(const unsuback& x) const {
    framed frame{out, first_byte(packet_type::unsuback)};
    put_two_bytes(out, x.packet_id);
    if (!is_v5())
      return;
    put_properties(out, x.properties);
    for (auto code : x.codes)
      put_byte(out, static_cast<uint8_t>(code));
  }

  void operator()(const pingreq&) const {
    framed frame{out, first_byte(packet_type::pingreq)};
  }

  void operator()(const pingresp&) const {
    framed frame{out, first_byte(packet_type::pingresp)};
  }

  void operator()(const disconnect& x) const {
    framed frame{out, first_byte(packet_type::disconnect)};
    put_reason(out, protocol, x.code, x.properties);
  }

  void operator()(const auth& x) const {
    framed frame{out, first_byte(packet_type::auth)};
    if (x.code == reason::success && x.properties.empty())
      return;
    put_byte(out, static_cast<uint8_t>(x.code));
    put_properties(out, x.properties);
  }
};

} // namespace

void encode(const packet& packet, version protocol, buffer& out) {
  std::visit(encoder{protocol, out}, packet);
}

void encode(const publish& packet, version protocol, buffer& out) {
  // A PUBLISH may be long: its length is known in advance, so that nothing is moved.
  put_byte(out, first_byte(packet_type::publish, publish_flags(packet)));
  put_varint(out, static_cast<uint32_t>(body_size(packet, protocol)));
  put_text(out, packet.topic);
  if (packet.qos != 0)
    put_two_bytes(out, packet.packet_id);
  if (protocol == version::v5)
    put_properties(out, packet.properties);
  put_bytes(out, packet.payload);
}

size_t encoded_size(const publish& packet, version protocol) {
  auto body = body_size(packet, protocol);
  return 1 + varint_size(static_cast<uint32_t>(body)) + body;
}

} // namespace pipehub::mqtt
