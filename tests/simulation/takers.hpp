#pragma once

// The handlers of the simulated world, in both ways to take events. They report to the model and
// then do what the dice say.

#include "world.hpp"

namespace simulation {

/// Takes the events of a server or client manager as an ordinary actor.
caf::behavior handler_actor(caf::event_based_actor* self, world* w);

/// Takes those of one connection as its session.
class taker_session : public pipeactor::session {
public:
  taker_session(world* w, end::kind what) : world_(w), what_(what) {}
  ~taker_session() override;

  void connected() override;
  void connect_failed(const caf::error& error) override;
  void message_received(const cookie& c, const pipeactor::payload& data) override;
  void message_sent(const cookie& c) override;
  void message_failed(const cookie& c, const caf::error& error) override;
  void reconnecting(const caf::error& reason, caf::timespan delay) override;
  void disconnected(const caf::error& reason) override;

private:
  end& own();
  world::reaction reaction();

  world* world_;
  end::kind what_;
  end* end_ = nullptr;
};

} // namespace simulation
