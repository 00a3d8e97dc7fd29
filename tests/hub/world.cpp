#include "hub/world.hpp"

#include <catch2/catch.hpp>

namespace hub_test {

// -- a client ---------------------------------------------------------------------------------

void client::send(std::string_view notation) {
  send_bytes(wire(notation));
}

void client::send_bytes(std::string_view bytes) {
  world_->hub.received(id_, bytes, world_->now);
  world_->settle();
}

std::string client::take() {
  return std::exchange(world_->connections_[id_].received, {});
}

bool client::is_closed() const {
  return world_->connections_[id_].is_closed;
}

bool client::is_told() const {
  return world_->connections_[id_].is_told;
}

void client::leave() {
  world_->hub.closed(id_, world_->now);
  world_->settle();
}

// -- the world --------------------------------------------------------------------------------

client world::open(std::string user) {
  auto id = connections_.size() + 1;
  connections_[id];
  hub.opened(id, std::move(user), now);
  return {*this, id};
}

client world::v5(std::string_view id, std::string_view properties, bool clean, bool is_present) {
  auto result = open();
  result.send("10 * 'MQTT' 05 " + std::string{clean ? "02" : "00"} + " 0000 ["
              + std::string{properties} + "] '" + std::string{id} + "'");
  expect(result,
         "20 * " + std::string{is_present ? "01" : "00"} + " 00 [21 0400 22 0040 27 04000000]");
  return result;
}

client world::v311(std::string_view id, bool clean, bool is_present) {
  auto result = open();
  result.send("10 * 'MQTT' 04 " + std::string{clean ? "02" : "00"} + " 0000 '" + std::string{id}
              + "'");
  expect(result, "20 * " + std::string{is_present ? "01" : "00"} + " 00");
  return result;
}

void world::expect(const client& who, std::string_view notation) {
  auto& received = connections_[who.id()].received;
  auto expected = wire(notation);
  CHECK(received.substr(0, expected.size()) == expected);
  received.erase(0, expected.size());
}

void world::pass(std::chrono::milliseconds time) {
  // In steps, as timers come: an action may set another deadline.
  auto end = now + time;
  while (auto next = hub.next_tick()) {
    if (*next > end)
      break;
    now = std::max(now, *next);
    hub.tick(now);
  }
  now = end;
  settle();
}

void world::settle() {
  hub.flush(now);
  if (holds_writes)
    return;
  for (auto busy = true; busy;) {
    busy = false;
    for (auto& [id, to] : connections_)
      for (; to.held > 0; busy = true) {
        --to.held;
        hub.written(id, now);
      }
    hub.flush(now);
  }
}

void world::take_writes(link_id from) {
  while (connections_[from].held > 0) {
    --connections_[from].held;
    hub.written(from, now);
    hub.flush(now);
  }
}

void world::write(link_id to, pipeactor::payload packets) {
  connections_[to].received += packets.text();
  ++connections_[to].held;
}

void world::close(link_id which, farewell how) {
  connections_[which].is_closed = true;
  connections_[which].is_told = how == farewell::told;
}

} // namespace hub_test
