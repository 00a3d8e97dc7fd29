#pragma once

#include "pipeactor/detail/caf_compat.hpp"

#include <utility>

namespace pipeactor {

/// What a session may do with the actor whose state it is: everything but change its
/// behavior or end it (as `caf::typed_actor_view` does), so that the library's own
/// requests are always answered. Use it on the connection's bridge only, that is inside
/// handlers.
class actor_view {
public:
  explicit actor_view(caf::event_based_actor* self) noexcept : self_(self) {}

  caf::actor_system& system() const {
    return self_->system();
  }

  /// Returns the connection's actor. Holding it keeps the connection object alive: don't
  /// store it in the session.
  caf::actor actor() const {
    return caf::actor{self_};
  }

  const caf::strong_actor_ptr& current_sender() const {
    return self_->current_sender();
  }

  template <class Handle, class... Ts>
  void send(const Handle& destination, Ts&&... xs) {
    self_->send(destination, std::forward<Ts>(xs)...);
  }

  template <class Handle, class Rep, class Period, class... Ts>
  void delayed_send(const Handle& destination, std::chrono::duration<Rep, Period> delay,
                    Ts&&... xs) {
    self_->delayed_send(destination, delay, std::forward<Ts>(xs)...);
  }

  /// Asks another actor; continue with `.then` (other messages are handled meanwhile) or
  /// `.await` (they wait). A timeout keeps the connection object alive until it is over, also
  /// where the answer has come: `caf::infinite` does not.
  template <class Handle, class Timeout, class... Ts>
  auto request(const Handle& destination, const Timeout& timeout, Ts&&... xs) {
    return self_->request(destination, timeout, std::forward<Ts>(xs)...);
  }

  template <class... Ts>
  auto make_response_promise() {
    return self_->make_response_promise<Ts...>();
  }

  /// The end of a monitored actor arrives in `session::down`.
  template <class Handle>
  void monitor(const Handle& other) {
    self_->monitor(other);
  }

  template <class Handle>
  void demonitor(const Handle& other) {
    self_->demonitor(other);
  }

  /// When a linked actor fails the connection is closed, and the other way round.
  template <class Handle>
  void link_to(const Handle& other) {
    self_->link_to(other);
  }

  template <class Handle>
  void unlink_from(const Handle& other) {
    self_->unlink_from(other);
  }

  /// Spawns an actor on the actor system's scheduler, e.g. for work that blocks.
  template <class... Ts>
  auto spawn(Ts&&... xs) {
    return self_->system().spawn(std::forward<Ts>(xs)...);
  }

private:
  caf::event_based_actor* self_;
};

} // namespace pipeactor
