#pragma once

#include "bridge/completions.hpp"
#include "port/completion_port.hpp"

#include <caf/ref_counted.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <variant>

namespace pipeactor::detail {

/// Returns the moment `delay` after `now`, or the greatest time point if that would be later.
port::time_point later(port::time_point now, caf::timespan delay) noexcept;

/// The actor that timers are for. A weak reference of each timer would keep the memory of an actor
/// that has ended until its time has come. Any thread.
class timer_client final : public caf::ref_counted {
public:
  explicit timer_client(caf::weak_actor_ptr actor) : actor_(std::move(actor)) {}

  /// Returns the actor, or an empty handle if it has ended.
  caf::actor actor() const {
    std::lock_guard guard{mutex_};
    return caf::actor_cast<caf::actor>(actor_);
  }

  /// The actor has ended.
  void forget() noexcept {
    std::lock_guard guard{mutex_};
    actor_ = nullptr;
  }

private:
  mutable std::mutex mutex_;
  caf::weak_actor_ptr actor_;
};

using timer_client_ptr = caf::intrusive_ptr<timer_client>;

/// The timers of a bridge, by its port's clock. A timer keeps no actor alive: those of CAF 0.17
/// do until their time has come. Bridge thread.
class timer_queue {
public:
  /// Names a timer, for cancel().
  using timer_id = std::pair<port::time_point, uint64_t>;

  /// Sends `timer_expired` to `who` at `when`.
  timer_id call_at(port::time_point when, timer_client_ptr who);

  /// Answers a request of `who` with `caf::sec::request_timeout` at `when`; CAF drops the answer
  /// if there was one before.
  timer_id answer_at(port::time_point when, timer_client_ptr who, caf::message_id response);

  /// Sends a message at `when`: from `sender`, or without a sender if that has ended by then.
  /// @param receiver nullptr for `sender` itself
  timer_id send_at(port::time_point when, timer_client_ptr sender, caf::strong_actor_ptr receiver,
                   caf::message content);

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
  struct delayed_message {
    caf::strong_actor_ptr receiver;
    caf::message content;
  };

  struct timer {
    timer_client_ptr who;
    /// The message: `timer_expired`, the answer to a request, or a message of the actor.
    std::variant<std::monostate, caf::message_id, delayed_message> what;
  };

  timer_id add(port::time_point when, timer what);

  std::map<timer_id, timer> timers_;
  uint64_t last_ = 0;
};

} // namespace pipeactor::detail
