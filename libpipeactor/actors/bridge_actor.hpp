#pragma once

#include "actors/connection_actor.hpp"
#include "bridge/completion_bridge.hpp"

namespace pipeactor::detail {

/// The bridge as an actor: the sender of completions, and where other bridges hand in
/// work.
class bridge_actor final : public pinned_actor {
public:
  bridge_actor(caf::actor_config& cfg, completion_bridge_ptr bridge)
      : pinned_actor(cfg), bridge_(std::move(bridge)) {}

  const char* name() const override {
    return "pipeactor.bridge";
  }

  caf::behavior make_behavior() override {
    set_default_handler(caf::drop);
    return {
      [this](const adopt_client& x) {
        if (bridge_->port() != nullptr)
          bridge_->open_connection(*x.setup, std::move(*x.raw));
      },
      [this](const broadcast_job& x) { bridge_->broadcast(x); },
      [this](const abandoned& x) { bridge_->abandon(x); },
      [this](const get_bridge_report& x) { return bridge_->report(x.coordinator_id); },
    };
  }

  void on_exit() override {
    bridge_ = nullptr;
  }

private:
  completion_bridge_ptr bridge_;
};

} // namespace pipeactor::detail
