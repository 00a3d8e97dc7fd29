#include "takers.hpp"

#include <stdexcept>

namespace simulation {

using namespace pipeactor;

namespace {

world::reaction reaction_of(const named_pipe_connection& c) {
  return {[c](payload data, cookie k) { c.async_write(std::move(data), std::move(k)); },
          [c](cookie k) { c.async_read(std::move(k)); }, [c] { c.async_close(); },
          [c] { c.close_after_drain(); }};
}

/// Returns handlers for the events that servers and client managers have under two names.
template <class Connected, class Received, class Sent, class Failed, class Disconnected>
caf::message_handler common_handlers(world* w, end::kind what) {
  return {
    [=](const Connected& e) {
      w->on_connected(w->rules.of(e.connection, what), reaction_of(e.connection));
    },
    [=](const Received& e) {
      w->on_received(w->rules.of(e.connection, what), e.cookie, e.data, reaction_of(e.connection));
    },
    [=](const Sent& e) { w->rules.sent(w->rules.of(e.connection, what), e.cookie); },
    [=](const Failed& e) {
      if (e.connection)
        w->on_failed(w->rules.of(e.connection, what), e.cookie, code_of(e.error),
                     reaction_of(e.connection));
    },
    [=](const Disconnected& e) {
      w->rules.disconnected(w->rules.of(e.connection_id, what), code_of(e.reason));
    },
  };
}

} // namespace

caf::behavior handler_actor(caf::event_based_actor*, world* w) {
  return common_handlers<client_connected, client_message_received, client_message_sent,
                         client_message_failed, client_disconnected>(w, end::accepted)
    .or_else(
      common_handlers<connected, message_received, message_sent, message_failed, disconnected>(
        w, end::outgoing))
    .or_else(caf::message_handler{
      [](const server_ready&) {},
      [=](const connect_failed& e) {
        w->rules.disconnected(w->rules.of(e.connection_id, end::outgoing), code_of(e.error));
      },
      [=](const reconnecting& e) {
        w->rules.lost(w->rules.of(e.connection, end::outgoing), code_of(e.reason));
      },
    });
}

// -- the session -------------------------------------------------------------------------------

taker_session::~taker_session() {
  // Nobody holds the connection: a session has no event for that.
  if (end_ != nullptr && end_->dropped)
    end_->ended = true;
}

end& taker_session::own() {
  if (end_ == nullptr)
    end_ = &world_->rules.of(connection(), what_);
  return *end_;
}

world::reaction taker_session::reaction() {
  return {[this](payload data, cookie k) { async_write(std::move(data), std::move(k)); },
          [this](cookie k) { async_read(std::move(k)); }, [this] { async_close(); },
          [this] { close_after_drain(); }, [] { throw std::runtime_error{"as the dice say"}; }};
}

void taker_session::connected() {
  world_->on_connected(own(), reaction());
}

void taker_session::connect_failed(const caf::error& error) {
  world_->rules.disconnected(own(), code_of(error));
}

void taker_session::message_received(const cookie& c, const payload& data) {
  world_->on_received(own(), c, data, reaction());
}

void taker_session::message_sent(const cookie& c) {
  world_->rules.sent(own(), c);
}

void taker_session::message_failed(const cookie& c, const caf::error& error) {
  world_->on_failed(own(), c, code_of(error), reaction());
}

void taker_session::reconnecting(const caf::error& reason, caf::timespan) {
  world_->rules.lost(own(), code_of(reason));
}

void taker_session::disconnected(const caf::error& reason) {
  world_->rules.disconnected(own(), code_of(reason));
}

} // namespace simulation
