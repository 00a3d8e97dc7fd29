#include "hub/wire.hpp"

#include "codec/put.hpp"

#include <catch2/catch.hpp>

#include <cctype>
#include <stdexcept>

namespace hub_test {

namespace {

std::string varint(size_t value) {
  buffer bytes;
  put_varint(bytes, static_cast<uint32_t>(value));
  return std::string{text_of(bytes)};
}

/// Reads notation up to `end`, or to its own end.
std::string read_notation(std::string_view& rest, char end) {
  std::string result;
  while (!rest.empty()) {
    auto next = rest.front();
    if (next == end) {
      rest.remove_prefix(1);
      return result;
    }
    if (next == '*') {
      rest.remove_prefix(1);
      auto body = read_notation(rest, end);
      return result + varint(body.size()) + body;
    }
    if (next == '[') {
      rest.remove_prefix(1);
      auto inside = read_notation(rest, ']');
      result += varint(inside.size()) + inside;
    } else if (next == '\'') {
      auto text = rest.substr(1, rest.find('\'', 1) - 1);
      rest.remove_prefix(text.size() + 2);
      result += static_cast<char>(text.size() >> 8);
      result += static_cast<char>(text.size());
      result += text;
    } else if (std::isxdigit(static_cast<unsigned char>(next)) != 0) {
      result += static_cast<char>(std::stoi(std::string{rest.substr(0, 2)}, nullptr, 16));
      rest.remove_prefix(2);
    } else if (next == ' ') {
      rest.remove_prefix(1);
    } else {
      throw std::invalid_argument{"no notation: " + std::string{rest}};
    }
  }
  return result;
}

/// Decodes the first packet of a stream that arrives in chunks.
std::optional<protocol_error> decode_chunks(std::string_view bytes, size_t chunk, version protocol,
                                            side sender) {
  frame_reader reader{sender, largest_varint};
  reader.protocol(protocol);
  for (size_t at = 0; at < bytes.size(); at += chunk) {
    reader.feed(bytes.substr(at, chunk));
    while (auto next = reader.next()) {
      packet ignored;
      return decode(next->first, next->body, protocol, sender, ignored);
    }
    if (reader.error())
      return reader.error();
  }
  throw std::invalid_argument{"not a whole packet"};
}

} // namespace

std::string wire(std::string_view notation) {
  return read_notation(notation, '\0');
}

std::string_view text_of(const buffer& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<protocol_error> decode_wire(std::string_view bytes, version protocol, side sender,
                                          packet& out) {
  frame_reader reader{sender, largest_varint};
  reader.protocol(protocol);
  reader.feed(bytes);
  auto next = reader.next();
  if (!next)
    return reader.error();
  return decode(next->first, next->body, protocol, sender, out);
}

void check_refused(std::string_view name, side sender, std::string_view notation, reason code) {
  auto protocol = name.substr(0, 4) == "5.0 " ? version::v5 : version::v311;
  auto paragraph = name.substr(name.find(' ') + 1);
  paragraph = paragraph.substr(0, paragraph.find(':'));
  auto bytes = wire(notation);
  for (auto chunk : {bytes.size(), size_t{1}}) {
    auto error = decode_chunks(bytes, chunk, protocol, sender);
    REQUIRE(error);
    INFO(describe(*error));
    CHECK(error->paragraph == paragraph);
    CHECK(error->code == code);
  }
}

void check_taken(version protocol, side sender, std::string_view notation) {
  INFO(notation);
  auto bytes = wire(notation);
  CHECK_FALSE(decode_chunks(bytes, 1, protocol, sender));
  packet decoded;
  auto error = decode_wire(bytes, protocol, sender, decoded);
  INFO((error ? describe(*error) : ""));
  REQUIRE_FALSE(error);
  buffer encoded;
  encode(decoded, protocol, encoded);
  CHECK(text_of(encoded) == bytes);
}

} // namespace hub_test
