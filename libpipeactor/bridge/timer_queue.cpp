#include "bridge/timer_queue.hpp"

#include "base/caf_0_17/special_messages.hpp"

namespace pipeactor::detail {

port::time_point later(port::time_point now, caf::timespan delay) noexcept {
  return delay < port::time_point::max() - now ? now + delay : port::time_point::max();
}

timer_queue::timer_id timer_queue::add(port::time_point when, timer what) {
  timer_id id{when, ++last_};
  timers_.emplace(id, std::move(what));
  return id;
}

timer_queue::timer_id timer_queue::call_at(port::time_point when, caf::weak_actor_ptr who) {
  return add(when, {std::move(who), std::nullopt});
}

timer_queue::timer_id timer_queue::answer_at(port::time_point when, caf::weak_actor_ptr who,
                                             caf::message_id response) {
  return add(when, {std::move(who), response});
}

void timer_queue::cancel(timer_id id) noexcept {
  timers_.erase(id);
}

port::time_point timer_queue::next() const noexcept {
  return timers_.empty() ? port::time_point::max() : timers_.begin()->first.first;
}

void timer_queue::fire(port::time_point now) {
  // A message that is sent here is handled later, so nothing is added meanwhile.
  while (next() <= now && !timers_.empty()) {
    auto fired = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    auto actor = caf::actor_cast<caf::actor>(fired.who);
    if (!actor)
      continue;
    if (fired.response)
      send_response(actor, *fired.response, caf::make_error(caf::sec::request_timeout));
    else
      caf::anon_send(actor, timer_expired{});
  }
}

} // namespace pipeactor::detail
