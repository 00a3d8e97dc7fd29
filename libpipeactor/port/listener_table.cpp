#include "port/listener_table.hpp"

#include "pipeactor/error.hpp"
#include "base/log.hpp"
#include "base/marks.hpp"
#include "port/closed_handles.hpp"

namespace pipeactor::port {

void rest(pipe_listener& l, time_point now, const std::string& address, const caf::error& reason) {
  l.rest_until = now + defaults::accept_backoff;
  l.closed_before_rest = closed_handles();
  detail::pass(detail::mark::accept_rests);
  if (!std::exchange(l.warned, true))
    detail::log_warning("cannot accept clients of " + address + " for now: " + describe(reason));
}

bool is_resting(const pipe_listener& l, time_point now) noexcept {
  return l.rests() && now < l.rest_until && closed_handles() == l.closed_before_rest;
}

void all_accepted(pipe_listener& l) noexcept {
  l.warned = false;
}

void fail(pipe_listener& l, caf::error reason) {
  if (l.closing())
    return;
  l.life = life_state::closing;
  l.reason = std::move(reason);
}

} // namespace pipeactor::port
