#include "hub/hub_actor.hpp"

#include <algorithm>

namespace pipehub {

using namespace pipeactor;

namespace {

/// How long a client has to read why its connection ends.
constexpr std::chrono::seconds time_to_read{1};

/// Returns a text that is the same for all processes of one user, and for no other user.
std::string user_of(const named_pipe_connection& connection) {
  auto peer = connection.peer();
  if (!peer)
    return "unknown";
  return peer->sid.empty() ? "uid " + std::to_string(peer->uid) : "sid " + peer->sid;
}

} // namespace

caf::behavior hub_state::make_behavior(const broker_options& options, opened_state& kept,
                                       hub_callbacks callbacks) {
  options_ = options;
  kept_ = &kept;
  callbacks_ = std::move(callbacks);
  auto now = [] { return clock::now(); };
  return {
    [this](const server_ready& e) { begin(e); },
    [this](const server_failed& e) { callbacks_.failed(e.reason); },
    [this](const client_connected& e) { take_client(e.connection); },
    [this, now](const client_message_received& e) {
      broker_->received(e.connection.id(), e.data.text(), now());
      plan();
    },
    [this, now](const client_message_sent& e) {
      broker_->written(e.connection.id(), now());
      plan();
    },
    [this, now](const client_message_failed& e) {
      broker_->written(e.connection.id(), now());
      plan();
    },
    [this](const client_disconnected& e) { lose_client(e.connection_id); },
    [this](flush_hub) {
      flush_is_sent_ = false;
      flush();
    },
    [this, now](tick_hub) {
      tick_at_.reset();
      broker_->tick(now());
      plan();
    },
    [this](const close_client& x) { close(x.which, farewell::silent); },
    [this](end_hub) { return end(); },
  };
}

void hub_state::begin(const server_ready& ready) {
  // In message mode a packet is no longer than a message of the system's.
  if (ready.max_message_size != 0) {
    options_.largest_packet = std::min<size_t>(options_.largest_packet, ready.max_message_size);
    options_.largest_write = std::min<size_t>(options_.largest_write, ready.max_message_size);
  }
  broker_.emplace(options_, static_cast<link_output&>(*this), kept_->file.get());
  broker_->restore(std::exchange(kept_->contents, {}), clock::now());
  plan();
  callbacks_.ready(ready.address);
}

void hub_state::take_client(const named_pipe_connection& connection) {
  connections_.emplace(connection.id(), connection);
  broker_->opened(connection.id(), user_of(connection), clock::now());
  plan();
}

void hub_state::lose_client(link_id id) {
  // A client that was refused was never connected.
  if (connections_.erase(id) == 0)
    return;
  broker_->closed(id, clock::now());
  plan();
  if (!ending_ || !connections_.empty())
    return;
  flush();
  ending_->deliver(caf::unit);
}

caf::result<void> hub_state::end() {
  ending_ = self_->make_response_promise();
  if (broker_) {
    broker_->shut_down();
    flush();
  }
  if (connections_.empty())
    ending_->deliver(caf::unit);
  return *ending_;
}

void hub_state::write(link_id to, payload packets) {
  if (auto found = connections_.find(to); found != connections_.end())
    found->second.async_write(std::move(packets));
}

void hub_state::close(link_id which, farewell how) {
  // Most clients close their end when they have read it.
  if (how == farewell::told)
    self_->delayed_send(self_, time_to_read, close_client{which});
  else if (auto found = connections_.find(which); found != connections_.end())
    found->second.close_after_drain();
}

void hub_state::flush() {
  broker_->flush(clock::now());
  if (std::exchange(is_failing_, broker_->is_failing()) != broker_->is_failing())
    callbacks_.state_changed(kept_->file->trouble());
}

/// Packets are written when all events that are waiting now have been handled: many leave in one
/// write.
void hub_state::plan() {
  if (!std::exchange(flush_is_sent_, true))
    self_->send(self_, flush_hub{});
  auto next = broker_->next_tick();
  if (!next || (tick_at_ && *tick_at_ <= *next))
    return;
  tick_at_ = next;
  auto delay = std::max(*next - clock::now(), clock::duration{0});
  self_->delayed_send(self_, std::chrono::duration_cast<std::chrono::nanoseconds>(delay),
                      tick_hub{});
}

caf::behavior hub_actor(caf::stateful_actor<std::unique_ptr<hub_state>>* self,
                        const broker_options& options, opened_state* kept,
                        const hub_callbacks& callbacks) {
  self->state = std::make_unique<hub_state>(self);
  return self->state->make_behavior(options, *kept, callbacks);
}

} // namespace pipehub
