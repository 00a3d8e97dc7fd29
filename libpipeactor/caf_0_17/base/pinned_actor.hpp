#pragma once

// Actors that live on one of our loops, and the runs of actors on it.

#include "pipeactor/caf.hpp"
#include "base/errors.hpp"

#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/execution_unit.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <cassert>
#include <exception>
#include <tuple>
#include <utility>

namespace pipeactor::detail {

/// A scheduled run of an actor; owns one reference to it.
using job = caf::intrusive_ptr<caf::resumable>;

/// A loop that actors are pinned to. CAF hands it the actors that are ready to run.
class actor_host : public caf::execution_unit {
public:
  explicit actor_host(caf::actor_system& sys) : caf::execution_unit(&sys) {}

  void exec_later(caf::resumable* what) final {
    schedule(job{what, false});
  }

  /// Runs `ready` later: on this loop if is_pinned(), else it goes to forward_to_scheduler(). Any
  /// thread. The message is in the mailbox already: an actor that is not run now never would be.
  virtual void schedule(job ready) noexcept = 0;
};

/// An actor that runs only on the host that it was spawned on.
class pinned_actor : public caf::event_based_actor {
public:
  using super = caf::event_based_actor;
  using super::enqueue;

  explicit pinned_actor(caf::actor_config& cfg) : super(cfg), host_(cfg.host) {}

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override {
    take_in(std::move(element));
  }

  subtype_t subtype() const override {
    return resumable::io_actor;
  }

  /// An exception of a handler ends a CAF actor. This lets the actor decide. An error that nobody
  /// asked for ends a CAF actor, too. It is dropped: so do handlers answer events that they do not
  /// know.
  caf::invoke_message_result consume(caf::mailbox_element& element) override {
    if (element.mid.is_async() && element.content().match_elements<caf::error>())
      return caf::invoke_message_result::consumed;
    // A handler that has made a promise has marked the element as answered.
    auto mid = element.mid;
    auto sender = element.sender;
    try {
      return super::consume(element);
    } catch (...) {
      auto err = handler_threw(std::current_exception());
      if (sender && mid.is_request())
        sender->enqueue(nullptr, mid.response_id(), caf::make_message(std::move(err)), nullptr);
      return caf::invoke_message_result::consumed;
    }
  }

  /// Ends an actor as scheduled_actor does, but leaves CAF's clock alone: its thread would wake up
  /// for each actor that ends, to look for timeouts. A pinned actor never has any there: its
  /// requests wait without end, or until a timer of the bridge.
  bool cleanup(caf::error&& reason, caf::execution_unit* host) override {
    awaited_responses_.clear();
    multiplexed_responses_.clear();
    if (!mailbox().closed())
      close_mailbox();
    unregister_from_system();
    auto result = monitorable_actor::cleanup(std::move(reason), host);
    on_ended();
    return result;
  }

  /// Returns whether a message may be handled at once, past the mailbox: nothing waits in the
  /// mailbox, nothing was skipped before, and no answer is awaited (all other messages would be
  /// skipped then).
  bool idle() noexcept {
    return mailbox().blocked() && get_normal_queue().cache().empty() && awaited_responses_.empty();
  }

  /// Handles `element` by `handler` now, as CAF's activate() would by the behavior: to match a
  /// message takes longer than most handlers do. For idle actors that always handle it alike, have
  /// no `after` and survive exceptions of their handlers. Call it on the actor's host, and hold a
  /// strong reference to the actor.
  template <class F>
  void handle_now(caf::mailbox_element& element, F handler) {
    auto runs = getf(is_initialized_flag) && has_work();
    if (!runs && !activate(host_)) // makes the behavior of one that is new
      return;
    context(host_);
    current_element_ = &element;
    try {
      handler();
    } catch (...) {
      handler_threw(std::current_exception());
    }
    bhvr_stack_.cleanup();
    if (!has_work())
      finalize();
  }

protected:
  /// Called if a handler threw `thrown`, which ends no pinned actor. Returns the answer to the
  /// request that was being handled.
  virtual caf::error handler_threw(std::exception_ptr thrown) {
    return errors::request_threw(name(), std::move(thrown));
  }

  /// Takes a message that was sent to this actor. Any thread.
  virtual void take_in(caf::mailbox_element_ptr element) {
    post(std::move(element));
  }

  /// Returns the answer to requests that come after the actor's end. Any thread.
  virtual caf::error error_after_end() const {
    return make_error(errc::shutting_down);
  }

  /// Called for each message that the actor has not handled when it ends.
  virtual void never_handled(const caf::mailbox_element&) {}

  /// Called when the actor has ended and its mailbox is closed: on its host, or on the thread that
  /// drops the last reference.
  virtual void on_ended() {}

  /// Puts a message into the mailbox, and wakes the actor. A request to one that has ended is
  /// answered.
  /// @returns false if the actor has ended
  bool post(caf::mailbox_element_ptr element) {
    auto mid = element->mid;
    auto sender = mid.is_request() ? element->sender : nullptr;
    switch (mailbox().push_back(std::move(element))) {
    case caf::intrusive::inbox_result::unblocked_reader:
      caf::intrusive_ptr_add_ref(ctrl());
      host_->exec_later(this);
      return true;
    case caf::intrusive::inbox_result::success:
      return true;
    case caf::intrusive::inbox_result::queue_closed:
      break;
    }
    answer_late(sender, mid);
    return false;
  }

  /// Returns the promise to answer the message that is being handled, or an empty one if nobody
  /// waits for an answer.
  caf::response_promise promise_of_request() {
    auto* element = current_mailbox_element();
    if (element == nullptr || !element->mid.is_request())
      return {};
    return make_response_promise();
  }

  /// Returns whether answers to requests are still to come.
  bool awaits_responses() const noexcept {
    return !awaited_responses_.empty() || !multiplexed_responses_.empty();
  }

  /// Returns whether messages wait for an answer (`.await`).
  bool is_awaiting() const noexcept {
    return !awaited_responses_.empty();
  }

  /// Lets messages that wait for an answer go on. The answer is still handled when it comes.
  void stop_awaiting() {
    for (auto& [id, handler] : awaited_responses_)
      multiplexed_responses_.emplace(id, std::move(handler));
    awaited_responses_.clear();
  }

  /// Ignores the answers that are still to come.
  void forget_pending_responses() {
    awaited_responses_.clear();
    multiplexed_responses_.clear();
  }

private:
  void close_mailbox() {
    mailbox().close();
    get_normal_queue().flush_cache();
    get_urgent_queue().flush_cache();
    auto end = [&](const auto&... queues_and_element) {
      auto& element = std::get<sizeof...(queues_and_element) - 1>(std::tie(queues_and_element...));
      never_handled(element);
      answer_late(element.sender, element.mid);
      return caf::intrusive::task_result::resume;
    };
    while (mailbox().queue().new_round(1000, end).consumed_items > 0) {
    }
  }

  void answer_late(const caf::strong_actor_ptr& sender, caf::message_id mid) const {
    if (sender && mid.is_request())
      sender->enqueue(nullptr, mid.response_id(), caf::make_message(error_after_end()), nullptr);
  }

  /// The same as alive(), whose first question nearly always decides.
  bool has_work() const noexcept {
    return !bhvr_stack_.empty() || alive();
  }

  caf::execution_unit* host_;
};

/// Returns whether `what` belongs on the loop that it was spawned on. Other actors that are woken
/// from there go to the actor system's scheduler.
inline bool is_pinned(const caf::resumable& what) {
  return what.subtype() == caf::resumable::io_actor;
}

inline void forward_to_scheduler(caf::actor_system& sys, job what) {
  sys.scheduler().enqueue(what.release());
}

/// Runs `what` for up to `max_messages` messages.
/// @returns the job if it has more to do, else nullptr
inline job run_job(actor_host* host, job what, size_t max_messages) {
  switch (what->resume(host, max_messages)) {
  case caf::resumable::resume_later:
    return what;
  case caf::resumable::shutdown_execution_unit:
  case caf::resumable::awaiting_message:
  case caf::resumable::done:
    break;
  }
  return nullptr;
}

/// Spawns an actor on `host`. It is hidden: the end of the actor system does not wait for it.
template <class Actor, class... Ts>
caf::actor spawn_pinned(caf::actor_system& sys, actor_host* host, Ts&&... xs) {
  caf::actor_config cfg{host};
  return sys.spawn_impl<Actor, caf::hidden + caf::lazy_init>(cfg, std::forward<Ts>(xs)...);
}

/// A message element that is filled, handled and emptied again, past the allocator and the mailbox.
template <class T>
class reusable_element {
public:
  /// Sets the sender of what is delivered from now on (nullptr: none).
  void sender(caf::strong_actor_ptr value) {
    element_.sender = std::move(value);
  }

  /// Lets `self` handle `value` by its member function handle(T&): now, or later if other messages
  /// come first. Call it on the actor's host, and hold a strong reference to the actor.
  template <class Actor>
  void deliver(Actor& self, T&& value) {
    if (busy_ || !self.idle()) {
      self.enqueue(caf::make_mailbox_element(element_.sender, caf::make_message_id(), {},
                                             std::move(value)),
                   nullptr);
      return;
    }
    deliver_now(self, std::move(value));
  }

  /// Lets `self` handle `value` now, before all that waits for it.
  template <class Actor>
  void deliver_now(Actor& self, T&& value) {
    assert(!busy_);
    busy_ = true;
    auto& content = std::get<0>(element_.data());
    content = std::move(value);
    self.handle_now(element_, [&] { self.handle(content); });
    content = T{};
    busy_ = false;
  }

private:
  caf::mailbox_element_vals<T> element_{nullptr, caf::make_message_id(),
                                        caf::mailbox_element::forwarding_stack{}, T{}};
  bool busy_ = false;
};

} // namespace pipeactor::detail
