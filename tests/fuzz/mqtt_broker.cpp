// Clients that send the hub's state machine whatever they like, at any time: it sends only whole,
// right packets, and comes to rest. Its journal fails now and then, and sometimes it starts again
// with what it kept there.

#include "codec/decode.hpp"
#include "codec/encode.hpp"
#include "fuzz.hpp"
#include "hub/memory_journal.hpp"
#include "session/broker.hpp"

#include <array>
#include <deque>
#include <optional>

using namespace pipehub;
using namespace pipehub::mqtt;

namespace {

class world final : private link_output {
public:
  static constexpr size_t num_clients = 4;

  explicit world(const broker_options& options) : options_(options) {
    begin();
  }

  void step(fuzz::input& in) {
    auto code = in.byte();
    if (code >= 0xF8)
      return begin_again();
    if (code >= 0xF0)
      log_.fails = !log_.fails;
    auto& who = clients_[code % num_clients];
    switch (code / num_clients % 8) {
    case 0:
      leave(who);
      break;
    case 1:
      connect_client(who, in);
      break;
    case 2:
      subscribe_client(who, in);
      break;
    case 3:
      publish_from(who, in);
      break;
    case 4:
      send(who, in.short_text());
      break;
    case 5:
      answer_from(who, in);
      break;
    case 6:
      take_writes(who, in.byte());
      break;
    default:
      now_ += std::chrono::milliseconds{in.byte() * 500};
      hub_->tick(now_);
    }
    hub_->flush(now_);
  }

  void end() {
    for (auto& client : clients_) {
      take_writes(client, SIZE_MAX);
      leave(client);
    }
    hub_->flush(now_);
    // Sessions and wills whose time is far away end, too.
    for (int i = 0; i < 1000 && hub_->next_tick(); ++i) {
      now_ = std::max(now_, *hub_->next_tick());
      hub_->tick(now_);
      hub_->flush(now_);
    }
    hub_->shut_down();
  }

private:
  void begin() {
    hub_.emplace(options_, static_cast<link_output&>(*this), &log_);
    hub_->restore(log_.committed(), now_);
    hub_->flush(now_);
  }

  /// As if the hub had been killed.
  void begin_again() {
    for (auto& client : clients_)
      client.open = false;
    hub_.reset();
    log_.crash();
    begin();
  }

  struct client {
    link_id id = 0;
    bool open = false;
    bool closing = false;
    size_t waiting = 0;
    version protocol = version::v5;
    std::optional<frame_reader> reader;
  };

  void open(client& who) {
    if (who.open)
      return;
    who = {};
    who.id = ++last_id_ * num_clients + static_cast<size_t>(&who - clients_.data());
    who.open = true;
    who.reader.emplace(side::server, largest_varint);
    hub_->opened(who.id, who.id % 2 == 0 ? "uid 1" : "uid 2", now_);
  }

  void leave(client& who) {
    if (std::exchange(who.open, false))
      hub_->closed(who.id, now_);
  }

  void send(client& who, std::string_view bytes) {
    if (who.open && !who.closing)
      hub_->received(who.id, bytes, now_);
  }

  void send(client& who, const packet& x) {
    buffer bytes;
    encode(x, who.protocol, bytes);
    send(who, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  void connect_client(client& who, fuzz::input& in) {
    auto flags = in.byte();
    if (!who.open) {
      open(who);
      who.protocol = (flags & 1) != 0 ? version::v5 : version::v311;
    }
    static constexpr std::array<std::string_view, 4> ids{"", "a", "b", "c"};
    connect x;
    x.protocol = who.protocol;
    x.clean_start = (flags & 2) != 0;
    x.client_id = ids[flags >> 2 & 3];
    x.keep_alive = flags >> 4 & 3;
    property_builder extras;
    if (who.protocol == version::v5 && (flags & 0x40) != 0)
      extras.add(property_id::session_expiry_interval, in.byte());
    if (who.protocol == version::v5 && (flags & 0x20) != 0)
      extras.add(property_id::receive_maximum, in.byte() % 4 + 1);
    x.properties = extras.view();
    if ((flags & 0x80) != 0) {
      x.will.emplace();
      x.will->topic = "will/t";
      x.will->payload = "gone";
      x.will->qos = in.byte() % 3;
    }
    send(who, packet{x});
  }

  void subscribe_client(client& who, fuzz::input& in) {
    static constexpr std::array<std::string_view, 8> filters{"#",      "a",          "a/+",
                                                             "+/b",    "$share/g/a", "$share/g/#",
                                                             "will/t", "$SYS/#"};
    auto flags = in.byte();
    if ((flags & 0x80) != 0) {
      unsubscribe x;
      x.packet_id = static_cast<uint16_t>(1 + in.byte());
      x.filters.push_back(filters[flags & 7]);
      return send(who, packet{x});
    }
    subscribe x;
    x.packet_id = static_cast<uint16_t>(1 + in.byte());
    subscription wanted;
    wanted.filter = filters[flags & 7];
    wanted.qos = flags >> 3 & 3;
    wanted.no_local = who.protocol == version::v5 && (flags & 0x20) != 0;
    wanted.retain_handling = who.protocol == version::v5 ? flags >> 6 & 1 : 0;
    x.subscriptions.push_back(wanted);
    send(who, packet{x});
  }

  void publish_from(client& who, fuzz::input& in) {
    static constexpr std::array<std::string_view, 4> topics{"a", "a/b", "will/t", ""};
    auto flags = in.byte();
    publish x;
    x.qos = flags & 3;
    x.retain = (flags & 4) != 0;
    x.dup = (flags & 8) != 0;
    x.topic = topics[flags >> 4 & 3];
    x.packet_id = x.qos == 0 ? 0 : static_cast<uint16_t>(1 + in.byte() % 8);
    property_builder extras;
    if (who.protocol == version::v5 && (flags & 0x40) != 0)
      extras.add(property_id::topic_alias, 1 + in.byte() % 3);
    if (who.protocol == version::v5 && (flags & 0x80) != 0)
      extras.add(property_id::message_expiry_interval, in.byte() % 4);
    x.properties = extras.view();
    x.payload = in.short_text();
    send(who, packet{x});
  }

  void answer_from(client& who, fuzz::input& in) {
    answer x;
    x.type = static_cast<packet_type>(static_cast<int>(packet_type::puback) + in.byte() % 4);
    x.packet_id = static_cast<uint16_t>(1 + in.byte() % 16);
    send(who, packet{x});
  }

  void take_writes(client& who, size_t most) {
    for (; most > 0 && who.open && who.waiting > 0; --most) {
      --who.waiting;
      hub_->written(who.id, now_);
      hub_->flush(now_);
    }
  }

  client& client_of(link_id id) {
    auto& result = clients_[id % num_clients];
    fuzz::require(result.id == id && result.open, "only open connections are written to");
    return result;
  }

  void write(link_id to, pipeactor::payload packets) override {
    auto& who = client_of(to);
    fuzz::require(!who.closing, "nothing is written after a close");
    ++who.waiting;
    who.reader->protocol(who.protocol);
    who.reader->feed(packets.text());
    while (auto next = who.reader->next()) {
      packet sent;
      fuzz::require(!decode(next->first, next->body, who.protocol, side::server, sent),
                    "each packet of the hub is right");
      fuzz::require(!log_.has_changes() || !promises(sent), "promises are kept");
    }
    fuzz::require(!who.reader->error() && !who.reader->in_packet(), "a write has whole packets");
  }

  /// Returns whether a packet must not come before what it says is in the journal.
  static bool promises(const packet& x) {
    if (auto* sent = std::get_if<publish>(&x))
      return sent->qos == 2;
    auto* sent = std::get_if<answer>(&x);
    return sent != nullptr && !is_failure(sent->code)
           && (sent->type == packet_type::puback || sent->type == packet_type::pubrec);
  }

  void close(link_id which, farewell) override {
    auto& who = client_of(which);
    fuzz::require(!who.closing, "a connection is closed once");
    who.closing = true;
  }

  std::array<client, num_clients> clients_;
  size_t last_id_ = 0;
  time_point now_{};
  broker_options options_;
  hub_test::memory_journal log_;
  std::optional<broker> hub_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::input in{data, size};
  auto flags = in.byte();
  broker_options options;
  options.queue_messages = 1 + flags % 4;
  options.overflow = static_cast<overflow>(flags / 4 % 3);
  options.receive_maximum = static_cast<uint16_t>(1 + flags / 16 % 4);
  options.send_maximum = static_cast<uint16_t>(1 + flags / 64);
  options.window = 64;
  options.longest_backlog = 4096;
  options.topic_aliases = 2;
  world w{options};
  while (!in.empty())
    w.step(in);
  w.end();
  return 0;
}
