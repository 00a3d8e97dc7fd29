#pragma once

#include "bridge/completion_bridge.hpp"

#include <algorithm>
#include <optional>

namespace pipeactor::detail {

/// The times at which something becomes due for one connection: `timer_expired` comes when one of
/// them may be over. Bridge thread.
class connection_timers {
public:
  /// @param bridge whose clock and timers are used
  connection_timers(completion_bridge& bridge, caf::weak_actor_ptr connection)
      : bridge_(bridge), connection_(std::move(connection)) {}

  /// Connects again at `when`.
  void retry_at(port::time_point when) {
    set(retry_, when);
  }

  /// Closes after `delay` at the latest, whatever waits to be sent.
  void close_after(caf::timespan delay) {
    auto when = later(bridge_.port()->now(), delay);
    if (!drain_ || when < drain_->first)
      set(drain_, when);
  }

  /// Returns whether the time to drain is over.
  bool is_drain_over() const {
    return is_over(drain_);
  }

  /// Returns whether it is time to connect again, once.
  bool take_retry() {
    if (!is_over(retry_))
      return false;
    cancel(retry_);
    return true;
  }

  void cancel_drain() noexcept {
    cancel(drain_);
  }

  void cancel_all() noexcept {
    cancel(retry_);
    cancel(drain_);
  }

private:
  using timer = std::optional<timer_queue::timer_id>;

  bool is_over(const timer& which) const {
    return which && bridge_.port() != nullptr && which->first <= bridge_.port()->now();
  }

  void set(timer& which, port::time_point when) {
    cancel(which);
    which = bridge_.timers().call_at(when, connection_);
  }

  void cancel(timer& which) noexcept {
    if (which)
      bridge_.timers().cancel(*which);
    which.reset();
  }

  completion_bridge& bridge_;
  caf::weak_actor_ptr connection_;
  timer retry_;
  timer drain_;
};

} // namespace pipeactor::detail
