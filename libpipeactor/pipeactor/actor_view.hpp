#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"

#include <chrono>
#include <utility>

namespace pipeactor {

namespace detail {

/// Ends a request of a connection's actor with an error after `timeout`, unless the answer came
/// before. Uses the bridge's clock. The clock of CAF 0.17 would keep the actor alive, and its
/// thread blocks forever if it drops the last reference to an actor while it is busy.
/// @param response the id of the answer
PIPEACTOR_EXPORT void time_out_request(caf::event_based_actor& self, caf::message_id response,
                                       caf::timespan timeout);

/// Sends a message after `delay`, by the bridge's clock for the same reason.
/// @param self a connection's actor, or nullptr: the message is anonymous then
PIPEACTOR_EXPORT void send_later(caf::event_based_actor* self, caf::actor_system& system,
                                 caf::strong_actor_ptr destination, caf::timespan delay,
                                 caf::message message);

/// Ends the program: a session called a function that needs its actor, and has none yet or no
/// longer.
[[noreturn]] PIPEACTOR_EXPORT void no_actor(const char* function);

/// Returns `delay` as nanoseconds, or the longest timespan if it is longer.
template <class Rep, class Period>
caf::timespan to_timespan(std::chrono::duration<Rep, Period> delay) {
  using seconds = std::chrono::duration<double>;
  if (seconds{delay} >= seconds{caf::timespan::max()})
    return caf::timespan::max();
  return std::chrono::duration_cast<caf::timespan>(delay);
}

} // namespace detail

/// The actor of a connection, as its session may use it. Like `caf::typed_actor_view`, it does not
/// let the session change the actor's behavior or end the actor, so that requests of the library
/// are always answered. Use it only inside handlers of the session. In the session's destructor the
/// actor has ended: `system`, `spawn`, `send` and `delayed_send` still work, `actor` is empty, and
/// the rest ends the program with a text that says why.
class actor_view {
public:
  /// For the library: see `session::self`.
  /// @param self nullptr if the actor has ended
  actor_view(caf::event_based_actor* self, caf::actor_system* system) noexcept
      : self_(self), system_(system) {}

  /// Returns the actor system. Not in a session's constructor.
  caf::actor_system& system() const {
    if (system_ == nullptr)
      detail::no_actor("system");
    return *system_;
  }

  /// Returns the connection's actor. Do not store it in the session: they would keep each other
  /// alive.
  caf::actor actor() const {
    return self_ != nullptr ? caf::actor{self_} : caf::actor{};
  }

  /// Returns the sender of the message that is being handled, or nullptr if it has none.
  const caf::strong_actor_ptr& current_sender() const {
    return self("current_sender").current_sender();
  }

  /// Sends a message to another actor.
  template <class Handle, class... Ts>
  void send(const Handle& destination, Ts&&... xs) {
    if (self_ != nullptr)
      self_->send(destination, std::forward<Ts>(xs)...);
    else
      caf::anon_send(destination, std::forward<Ts>(xs)...);
  }

  /// Sends a message to another actor, or to this one, after `delay`. It does not keep the
  /// connection alive, and is not sent after the context's end.
  template <class Handle, class Rep, class Period, class... Ts>
  void delayed_send(const Handle& destination, std::chrono::duration<Rep, Period> delay,
                    Ts&&... xs) {
    detail::send_later(self_, system(), caf::actor_cast<caf::strong_actor_ptr>(destination),
                       detail::to_timespan(delay), caf::make_message(std::forward<Ts>(xs)...));
  }

  /// Sends a request to another actor. Continue with `.then` to handle other messages until the
  /// answer comes, or with `.await` to let them wait. If no answer comes in time, the answer is the
  /// error `caf::sec::request_timeout`. A request does not keep the connection alive.
  /// @param timeout `caf::infinite` for none
  template <class Handle, class Timeout, class... Ts>
  auto request(const Handle& destination, const Timeout& timeout, Ts&&... xs) {
    auto& actor = self("request");
    auto result = actor.request(destination, caf::infinite, std::forward<Ts>(xs)...);
    if (auto limit = detail::to_timespan(timeout); limit != caf::timespan::max())
      detail::time_out_request(actor, result.id(), limit);
    return result;
  }

  /// Returns a promise to answer the message that is being handled later.
  template <class... Ts>
  auto make_response_promise() {
    return self("make_response_promise").template make_response_promise<Ts...>();
  }

  /// Watches another actor: its end calls `session::down`.
  template <class Handle>
  void monitor(const Handle& other) {
    self("monitor").monitor(other);
  }

  /// Ends a `monitor`.
  template <class Handle>
  void demonitor(const Handle& other) {
    self("demonitor").demonitor(other);
  }

  /// Links the connection to another actor: if one of them fails, the other ends, too.
  template <class Handle>
  void link_to(const Handle& other) {
    self("link_to").link_to(other);
  }

  /// Ends a `link_to`.
  template <class Handle>
  void unlink_from(const Handle& other) {
    self("unlink_from").unlink_from(other);
  }

  /// Spawns an actor on the actor system's scheduler, e.g. for work that blocks.
  template <class... Ts>
  auto spawn(Ts&&... xs) {
    return system().spawn(std::forward<Ts>(xs)...);
  }

private:
  caf::event_based_actor& self(const char* function) const {
    if (self_ == nullptr)
      detail::no_actor(function);
    return *self_;
  }

  caf::event_based_actor* self_;
  caf::actor_system* system_;
};

} // namespace pipeactor
