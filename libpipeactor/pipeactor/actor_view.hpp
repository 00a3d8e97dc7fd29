#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"

#include <type_traits>
#include <utility>

namespace pipeactor {

namespace detail {

/// Ends a request of a connection's actor with an error after `timeout`, unless the answer came
/// before. Uses the bridge's clock. The clock of CAF 0.17 would keep the actor alive, and its
/// thread blocks forever if it drops the last reference to an actor while it is busy.
/// @param response the id of the answer
PIPEACTOR_EXPORT void time_out_request(caf::event_based_actor& self, caf::message_id response,
                                       caf::timespan timeout);

} // namespace detail

/// The actor of a connection, as its session may use it. Like `caf::typed_actor_view`, it does not
/// let the session change the actor's behavior or end the actor, so that requests of the library
/// are always answered. Use it only inside handlers of the session.
class actor_view {
public:
  /// For the library: see `session::self`.
  explicit actor_view(caf::event_based_actor* self) noexcept : self_(self) {}

  /// Returns the actor system.
  caf::actor_system& system() const {
    return self_->system();
  }

  /// Returns the connection's actor. Do not store it in the session: they would keep each other
  /// alive.
  caf::actor actor() const {
    return caf::actor{self_};
  }

  /// Returns the sender of the message that is being handled, or nullptr if it has none.
  const caf::strong_actor_ptr& current_sender() const {
    return self_->current_sender();
  }

  /// Sends a message to another actor.
  template <class Handle, class... Ts>
  void send(const Handle& destination, Ts&&... xs) {
    self_->send(destination, std::forward<Ts>(xs)...);
  }

  /// Sends a message to another actor, or to this one, after `delay`.
  template <class Handle, class Rep, class Period, class... Ts>
  void delayed_send(const Handle& destination, std::chrono::duration<Rep, Period> delay,
                    Ts&&... xs) {
    self_->delayed_send(destination, delay, std::forward<Ts>(xs)...);
  }

  /// Sends a request to another actor. Continue with `.then` to handle other messages until the
  /// answer comes, or with `.await` to let them wait. If no answer comes in time, the answer is the
  /// error `caf::sec::request_timeout`. A request does not keep the connection alive.
  /// @param timeout `caf::infinite` for none
  template <class Handle, class Timeout, class... Ts>
  auto request(const Handle& destination, const Timeout& timeout, Ts&&... xs) {
    auto result = self_->request(destination, caf::infinite, std::forward<Ts>(xs)...);
    if constexpr (!std::is_same_v<Timeout, caf::infinite_t>)
      detail::time_out_request(*self_, result.id(), timeout);
    return result;
  }

  /// Returns a promise to answer the message that is being handled later.
  template <class... Ts>
  auto make_response_promise() {
    return self_->make_response_promise<Ts...>();
  }

  /// Watches another actor: its end calls `session::down`.
  template <class Handle>
  void monitor(const Handle& other) {
    self_->monitor(other);
  }

  /// Ends a `monitor`.
  template <class Handle>
  void demonitor(const Handle& other) {
    self_->demonitor(other);
  }

  /// Links the connection to another actor: if one of them fails, the other ends, too.
  template <class Handle>
  void link_to(const Handle& other) {
    self_->link_to(other);
  }

  /// Ends a `link_to`.
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
