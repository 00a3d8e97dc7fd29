#pragma once

#include "bridge/completions.hpp"
#include "port/completion_port.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace pipeactor::detail {

/// Returns the moment `delay` after `now`, or the last there is.
port::time_point later(port::time_point now, caf::timespan delay) noexcept;

/// The timers of a bridge, by its port's clock. A timer keeps no actor alive: those of CAF 0.17
/// do until their time has come. Bridge thread.
class timer_queue {
public:
  /// Names a timer, for cancel().
  using timer_id = std::pair<port::time_point, uint64_t>;

  /// Sends `timer_expired` to `who` at `when`.
  timer_id call_at(port::time_point when, caf::weak_actor_ptr who);

  /// Answers a request of `who` with `caf::sec::request_timeout` at `when`; CAF drops the answer
  /// if there was one before.
  timer_id answer_at(port::time_point when, caf::weak_actor_ptr who, caf::message_id response);

  /// Does nothing if the timer has fired.
  void cancel(timer_id id) noexcept;

  /// Returns when the first timer fires, or the last time point there is.
  port::time_point next() const noexcept;

  bool empty() const noexcept {
    return timers_.empty();
  }

  size_t size() const noexcept {
    return timers_.size();
  }

  /// Fires the timers whose time has come.
  void fire(port::time_point now);

  void clear() noexcept {
    timers_.clear();
  }

private:
  struct timer {
    caf::weak_actor_ptr who;
    /// Set if the timer ends a request.
    std::optional<caf::message_id> response;
  };

  timer_id add(port::time_point when, timer what);

  std::map<timer_id, timer> timers_;
  uint64_t last_ = 0;
};

} // namespace pipeactor::detail
