#include "bridge/timer_queue.hpp"

#include "base/special_messages.hpp"

namespace pipeactor::detail {

port::time_point later(port::time_point now, caf::timespan delay) noexcept {
  return delay < port::time_point::max() - now ? now + delay : port::time_point::max();
}

timer_queue::timer_id timer_queue::add(port::time_point when, timer what) {
  timer_id id{when, ++last_};
  timers_.emplace(id, std::move(what));
  return id;
}

timer_queue::timer_id timer_queue::call_at(port::time_point when, timer_client_ptr who) {
  return add(when, {std::move(who), std::monostate{}});
}

timer_queue::timer_id timer_queue::answer_at(port::time_point when, timer_client_ptr who,
                                             caf::message_id response) {
  return add(when, {std::move(who), response});
}

timer_queue::timer_id timer_queue::send_at(port::time_point when, timer_client_ptr sender,
                                           caf::strong_actor_ptr receiver, caf::message content) {
  return add(when, {std::move(sender), delayed_message{std::move(receiver), std::move(content)}});
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
    auto actor = fired.who->actor();
    if (auto* delayed = std::get_if<delayed_message>(&fired.what)) {
      auto sender = caf::actor_cast<caf::strong_actor_ptr>(actor);
      if (auto& receiver = delayed->receiver ? delayed->receiver : sender)
        send_as(sender, receiver, std::move(delayed->content));
    } else if (!actor) {
      continue;
    } else if (auto* response = std::get_if<caf::message_id>(&fired.what)) {
      send_response(actor, *response, caf::make_error(caf::sec::request_timeout));
    } else {
      caf::anon_send(actor, timer_expired{});
    }
  }
}

} // namespace pipeactor::detail
