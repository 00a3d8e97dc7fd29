#include "dialect.hpp"

#include "sockets.hpp"

#include <stdexcept>

namespace pipebench {

namespace {

using namespace std::string_literals;

template <class Int>
std::string big_endian(Int value) {
  std::string result;
  for (auto shift = 8 * (static_cast<int>(sizeof(Int)) - 1); shift >= 0; shift -= 8)
    result += static_cast<char>(value >> shift);
  return result;
}

// -- nng ----------------------------------------------------------------------------------------

uint16_t sp_protocol_of(role r) {
  switch (r) {
  case role::echo_client:
    return 0x30; // REQ
  case role::subscriber:
    return 0x21; // SUB
  case role::publisher:
    return 0x50; // PUSH
  }
  return 0;
}

void shake_hands_sp(int fd, role r) {
  send_all(fd, "\0SP\0"s + big_endian(sp_protocol_of(r)) + "\0\0"s);
  auto answer = receive_exactly(fd, 8);
  if (answer.substr(0, 4) != "\0SP\0"s)
    throw std::runtime_error("the server does not speak SP");
}

std::string sp_prefix(role r, size_t size) {
  // A request has an id, with the highest bit set. All may have the same one: the server only
  // returns it.
  auto request_id = r == role::echo_client ? big_endian(uint32_t{0x80000001}) : ""s;
  return "\1"s + big_endian(uint64_t{size + request_id.size()}) + request_id;
}

// -- ZeroMQ -------------------------------------------------------------------------------------

constexpr char zmtp_command = 4;
constexpr char zmtp_long = 2;

std::string socket_type_of(role r) {
  switch (r) {
  case role::echo_client:
    return "DEALER";
  case role::subscriber:
    return "SUB";
  case role::publisher:
    return "PUSH";
  }
  return {};
}

void shake_hands_zmtp(int fd, role r) {
  auto greeting = "\xff"s + std::string(8, '\0') + "\x7f\3\0NULL"s;
  greeting.resize(64);
  send_all(fd, greeting);
  receive_exactly(fd, 64);
  auto type = socket_type_of(r);
  auto ready = "\5READY\x0bSocket-Type"s + big_endian(static_cast<uint32_t>(type.size())) + type;
  send_all(fd, std::string{zmtp_command} + static_cast<char>(ready.size()) + ready);
  auto header = receive_exactly(fd, 2);
  if (header[0] != zmtp_command)
    throw std::runtime_error("the server does not speak ZMTP");
  receive_exactly(fd, static_cast<unsigned char>(header[1]));
  if (r == role::subscriber)
    send_all(fd, "\0\1\1"s); // subscribes to everything
}

std::string zmtp_prefix(size_t size) {
  if (size < 256)
    return "\0"s + static_cast<char>(size);
  return std::string{zmtp_long} + big_endian(uint64_t{size});
}

} // namespace

bool is_stream(dialect d) noexcept {
  return d != dialect::packets;
}

std::string prefix_of(dialect d, role r, size_t size) {
  switch (d) {
  case dialect::frames: {
    auto length = big_endian(static_cast<uint32_t>(size));
    return {length.rbegin(), length.rend()};
  }
  case dialect::sp:
    return sp_prefix(r, size);
  case dialect::zmtp:
    return zmtp_prefix(size);
  case dialect::packets:
  case dialect::bytes:
    break;
  }
  return {};
}

void shake_hands(int fd, dialect d, role r) {
  if (d == dialect::sp)
    shake_hands_sp(fd, r);
  else if (d == dialect::zmtp)
    shake_hands_zmtp(fd, r);
}

} // namespace pipebench
