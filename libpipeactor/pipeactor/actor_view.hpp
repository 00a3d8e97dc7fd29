#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"

#include <type_traits>
#include <utility>

namespace pipeactor {

namespace detail {

/// Ends a request of a connection's actor with an error after `timeout`, unless its answer
/// came. By the bridge's clock: that of CAF 0.17 keeps the actor alive meanwhile, and its thread
/// blocks for good where it drops the last reference to one while it is busy.
/// @param response what the answer is known by
PIPEACTOR_EXPORT void time_out_request(caf::event_based_actor& self, caf::message_id response,
                                       caf::timespan timeout);

} // namespace detail

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
  /// `.await` (they wait). Where no answer comes in time the error is
  /// `caf::sec::request_timeout`. A request does not keep the connection alive.
  template <class Handle, class Timeout, class... Ts>
  auto request(const Handle& destination, const Timeout& timeout, Ts&&... xs) {
    auto result = self_->request(destination, caf::infinite, std::forward<Ts>(xs)...);
    if constexpr (!std::is_same_v<Timeout, caf::infinite_t>)
      detail::time_out_request(*self_, result.id(), timeout);
    return result;
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
