#pragma once

#include "actors/adoption.hpp"
#include "actors/bridge_connections.hpp"

namespace pipeactor::detail {

/// The bridge as an actor: the sender of completions, and the receiver of work from other bridges.
class bridge_actor final : public pinned_actor {
public:
  bridge_actor(caf::actor_config& cfg, bridge_connections_ptr bridge)
      : pinned_actor(cfg), bridge_(std::move(bridge)) {}

  const char* name() const override {
    return "pipeactor.bridge";
  }

  caf::behavior make_behavior() override {
    set_default_handler(caf::drop);
    return {
      [this](const adopt_client& x) noexcept {
        if (bridge_->port() != nullptr)
          adopt(*bridge_, *x.settings, std::move(*x.raw));
        else
          caf::anon_send(x.settings->coordinator, connection_opened{});
      },
      [this](const broadcast_job& x) noexcept { bridge_->broadcast(x); },
      [this](const cancel_timers& x) noexcept {
        for (auto& id : x.ids)
          bridge_->bridge().timers().cancel(id);
      },
      [this](const abandoned& x) noexcept { bridge_->abandon(x); },
      [this](const get_bridge_report& x) { return bridge_->report(x.coordinator_id); },
    };
  }

  void on_exit() override {
    bridge_ = nullptr;
  }

private:
  bridge_connections_ptr bridge_;
};

} // namespace pipeactor::detail
