#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/messages.hpp"
#include "base/errors.hpp"
#include "base/loop_thread.hpp"

#include <caf/scoped_actor.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace pipeactor::detail {

/// Sends a request to an actor, waits for the answer and hands it to `take`. For threads that are
/// not actors.
/// @returns `errc::not_connected` for an empty handle, `errc::timed_out`, or the actor's error
template <class Request, class Take>
caf::error ask(const caf::actor& who, std::chrono::milliseconds timeout, Request request,
               Take take) {
  if (!who)
    return errors::empty_handle();
  if (is_loop_thread())
    return errors::must_not_wait_here();
  caf::error result;
  // Longer ones would not fit CAF's clock.
  timeout = std::clamp<std::chrono::milliseconds>(timeout, std::chrono::milliseconds{0},
                                                  std::chrono::hours{24 * 365});
  caf::scoped_actor self{who->home_system(), true};
  self->request(who, timeout, std::move(request)).receive(take, [&](caf::error& err) {
    if (err == caf::sec::request_timeout)
      result = make_error(errc::timed_out);
    else
      result = std::move(err);
  });
  return result;
}

inline caf::expected<statistics> ask_for_statistics(const caf::actor& who,
                                                    std::chrono::milliseconds timeout) {
  statistics result;
  if (auto err = ask(who, timeout, get_stats{}, [&](statistics& x) { result = std::move(x); }))
    return err;
  return result;
}

} // namespace pipeactor::detail
