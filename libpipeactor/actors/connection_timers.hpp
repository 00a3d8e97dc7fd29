#pragma once

#include "bridge/completion_bridge.hpp"

#include <array>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pipeactor::detail {

/// The times at which something is due for one connection: `timer_expired` comes when one of them
/// may have come. Bridge thread.
class connection_timers {
public:
  /// @param bridge whose clock and timers are used
  connection_timers(completion_bridge& bridge, pipe_owner& connection)
      : bridge_(bridge), connection_(connection) {}

  /// Connects again at `when`.
  void retry_at(port::time_point when) {
    set(retry_, when);
  }

  /// Closes after `delay` at the latest, whatever waits to be sent.
  void close_after(caf::timespan delay) {
    auto when = later(bridge_.port()->now(), delay);
    if (!deadline_ || when < deadline_->first)
      set(deadline_, when);
  }

  /// Asks after `delay` whether the peer took something in between.
  void begin_drain_period(caf::timespan delay) {
    set(drain_period_, later(bridge_.port()->now(), delay));
  }

  /// Ends a request with an error after `timeout`, unless answered() comes first.
  void time_out_request(caf::message_id response, caf::timespan timeout) {
    if (bridge_.port() != nullptr)
      requests_[response.integer_value()]
        = bridge_.timers().answer_at(later(bridge_.port()->now(), timeout), client(), response);
  }

  /// Sends a message of the connection after `delay`, to any actor or to itself. Not after the
  /// bridge's end.
  void send_later(caf::strong_actor_ptr receiver, caf::timespan delay, caf::message content) {
    if (bridge_.port() == nullptr)
      return;
    auto is_self = receiver.get() == connection_.ctrl();
    bridge_.timers().send_at(later(bridge_.port()->now(), delay), client(),
                             is_self ? nullptr : std::move(receiver), std::move(content));
  }

  /// The answer to a request has come.
  void answered(caf::message_id response) {
    if (requests_.empty())
      return;
    auto request = requests_.extract(response.integer_value());
    if (!request.empty())
      bridge_.timers().cancel(request.mapped());
  }

  /// Returns whether the deadline of close_after() is over.
  bool is_deadline_over() const {
    return is_over(deadline_);
  }

  /// Returns whether a period to drain is over, once.
  bool take_drain_period() {
    return take(drain_period_);
  }

  /// Returns whether it is time to connect again, once.
  bool take_retry() {
    return take(retry_);
  }

  /// Drops the timers of the connection itself. Requests of its session may still be answered.
  void cancel_own() noexcept {
    for (auto* own : own_timers())
      cancel(*own);
  }

  /// The connection's actor ends. Returns what is to be cancelled on the bridge's thread. Any
  /// thread.
  std::vector<timer_queue::timer_id> take_all() {
    if (client_)
      client_->forget();
    std::vector<timer_queue::timer_id> result;
    for (auto& [response, timer] : std::exchange(requests_, {}))
      result.push_back(timer);
    for (auto* own : own_timers())
      if (*own)
        result.push_back(*std::exchange(*own, std::nullopt));
    return result;
  }

private:
  using timer = std::optional<timer_queue::timer_id>;

  const timer_client_ptr& client() {
    if (!client_)
      client_ = caf::make_counted<timer_client>(
        caf::actor_cast<caf::weak_actor_ptr>(connection_.ctrl()));
    return client_;
  }

  bool is_over(const timer& which) const {
    return which && bridge_.port() != nullptr && which->first <= bridge_.port()->now();
  }

  std::array<timer*, 3> own_timers() noexcept {
    return {&retry_, &deadline_, &drain_period_};
  }

  bool take(timer& which) {
    if (!is_over(which))
      return false;
    cancel(which);
    return true;
  }

  void set(timer& which, port::time_point when) {
    cancel(which);
    which = bridge_.timers().call_at(when, client());
  }

  void cancel(timer& which) noexcept {
    if (which)
      bridge_.timers().cancel(*which);
    which.reset();
  }

  completion_bridge& bridge_;
  pipe_owner& connection_;
  /// Made with the first timer.
  timer_client_ptr client_;
  timer retry_;
  timer deadline_;
  timer drain_period_;
  /// Those of requests, by the id of the answer.
  std::unordered_map<uint64_t, timer_queue::timer_id> requests_;
};

} // namespace pipeactor::detail
