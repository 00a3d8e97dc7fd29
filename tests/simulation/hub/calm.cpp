// The end of a run: faults have stopped, and everything must come to rest.

#include "world_state.hpp"

namespace simulation::hub {

namespace {

/// Rounds in which all must have come to rest: more than any run takes.
constexpr size_t patience = 20000;

} // namespace

void world::calm() {
  drain();
  for (auto& who : clients_) {
    act x;
    x.type = packet_type::subscribe;
    x.packet_id = who.next_packet_id();
    subscription_options options;
    options.qos = 2;
    x.filters.emplace_back("end/#", options);
    who.send(x);
  }
  drain();
  for (auto qos : {2, 1, 0}) {
    send_last(static_cast<uint8_t>(qos));
    drain();
  }
  for (auto& who : clients_) {
    if (!who.is_accepted)
      throw broken_rule(who.id + " cannot connect");
    if (!who.is_at_rest())
      throw broken_rule(who.id + " waits for an answer");
    if (who.messages == 0)
      throw broken_rule(who.id + " never gets a message");
  }
  model_.at_rest();
  finish();
}

void world::send_last(uint8_t qos) {
  clients_.front().publish(make_content("end/x", qos, false, false), plan_.hub.receive_maximum);
}

/// Until nothing happens any more.
void world::drain() {
  size_t before = 0;
  for (size_t round = 0; before != history.size(); ++round) {
    if (round == patience)
      throw broken_rule("it never comes to rest");
    before = history.size();
    for (size_t i = 0; i < clients_.size(); ++i) {
      if (wire_of(i) == nullptr)
        connect_client(i, true);
      arrive(i, SIZE_MAX);
      flush();
      if (auto* from = wire_of(i))
        take(*from, SIZE_MAX);
      flush();
      read(i, SIZE_MAX);
      clients_[i].answer(SIZE_MAX);
    }
  }
}

/// Everybody leaves, and in the end nothing is due.
void world::finish() {
  for (auto& who : clients_) {
    act x;
    x.type = packet_type::disconnect;
    who.send(x);
  }
  for (size_t i = 0; i < clients_.size(); ++i) {
    arrive(i, SIZE_MAX);
    flush();
  }
  while (!wires_.empty())
    end(wires_.begin()->first);
  pass(std::chrono::hours{1});
  if (hub_->next_tick())
    throw broken_rule("something is due for ever");
}

} // namespace simulation::hub
