// A stream of MQTT packets, of either version and from either end: what is read does not depend on
// how the stream is cut, and what was decoded can be encoded, and is the same when it is decoded.

#include "codec/decode.hpp"
#include "codec/encode.hpp"
#include "codec/frame_reader.hpp"
#include "fuzz.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace pipehub::mqtt;

namespace {

constexpr size_t largest_packet = 1 << 20;

std::string_view text_of(const buffer& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct stream {
  version protocol;
  side sender;
};

/// What was read of a stream: packets, and the fault that ended it.
struct reading {
  std::vector<std::pair<uint8_t, std::string>> frames;
  std::string fault;

  friend bool operator==(const reading& lhs, const reading& rhs) {
    return lhs.frames == rhs.frames && lhs.fault == rhs.fault;
  }
};

reading read(stream from, std::string_view bytes, size_t piece) {
  frame_reader reader{from.sender, largest_packet};
  reader.protocol(from.protocol);
  reading result;
  while (!bytes.empty() && !reader.error()) {
    reader.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (auto next = reader.next())
      result.frames.emplace_back(next->first, next->body);
  }
  if (reader.error())
    result.fault = describe(*reader.error());
  return result;
}

/// Encodes a packet that was decoded, and checks what the standard asks of an encoder, too.
void check(stream from, uint8_t first, const std::string& body) {
  packet decoded;
  if (decode(first, body, from.protocol, from.sender, decoded))
    return;
  // CONNECT says its version itself.
  if (auto* opening = std::get_if<connect>(&decoded))
    from.protocol = opening->protocol;
  buffer once;
  encode(decoded, from.protocol, once);
  if (auto* content = std::get_if<publish>(&decoded))
    fuzz::require(encoded_size(*content, from.protocol) == once.size(),
                  "encoded_size is the size of what is encoded");
  auto again = read(from, text_of(once), once.size());
  fuzz::require(again.frames.size() == 1 && again.fault.empty(), "what is encoded is one packet");
  packet decoded_again;
  auto fault = decode(again.frames[0].first, again.frames[0].second, from.protocol, from.sender,
                      decoded_again);
  fuzz::require(!fault, "what is encoded can be decoded");
  buffer twice;
  encode(decoded_again, from.protocol, twice);
  fuzz::require(once == twice, "a packet is the same after encoding and decoding");
  // Reason codes and properties that mean nothing may be left out, and nothing else.
  fuzz::require(again.frames[0].second.size() <= body.size(), "encoding adds nothing");
  if (again.frames[0].second.size() == body.size() && decoded.index() != 0)
    fuzz::require(first == again.frames[0].first, "the first byte is the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::input in{data, size};
  auto flags = in.byte();
  stream from{(flags & 1) != 0 ? version::v5 : version::v311,
              (flags & 2) != 0 ? side::server : side::client};
  auto bytes = in.rest();
  auto whole = read(from, bytes, bytes.size());
  fuzz::require(whole == read(from, bytes, 1), "packets do not depend on the pieces they come in");
  fuzz::require(whole == read(from, bytes, 3), "packets do not depend on the pieces they come in");
  for (auto& [first, body] : whole.frames)
    check(from, first, body);
  return 0;
}
