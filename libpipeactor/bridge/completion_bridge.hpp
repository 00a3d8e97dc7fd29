#pragma once

#include "pipeactor/options.hpp"
#include "base/pinned_actor.hpp"
#include "bridge/bridge_residents.hpp"
#include "bridge/completions.hpp"
#include "bridge/handler_watch.hpp"
#include "bridge/pipe_owner.hpp"
#include "bridge/timer_queue.hpp"
#include "port/completion_port.hpp"

#include <caf/ref_counted.hpp>

#include <atomic>
#include <deque>
#include <mutex>
#include <thread>
#include <tuple>
#include <vector>

namespace pipeactor::detail {

/// One thread, one execution unit, one completion port. Takes completions off the port and turns
/// each into a typed message to the actor that owns the pipe; an idle actor handles it at once,
/// without a mailbox. Owns nothing but its turn: it knows its actors and listeners as
/// `bridge_residents`.
///
/// Actors of a bridge keep it alive. After its end they run on the actor system's scheduler.
class completion_bridge final : public caf::ref_counted,
                                public actor_host,
                                private port::completion_handler {
public:
  /// @param residents outlives the bridge's last turn
  /// @param watch is notified of every turn; may be nullptr; outlives the bridge's last turn
  completion_bridge(caf::actor_system& sys, port_factory make_port, bridge_residents& residents,
                    handler_watch* watch);
  ~completion_bridge() override;

  // -- life: the context's side ---------------------------------------------------------------

  /// Makes the port on the calling thread, which then has to run turn().
  caf::error open();

  /// Makes the port on a thread of its own, which runs turns until shut_down().
  caf::error open_with_thread();

  /// Runs one turn: one of the port, then timers, then actors that are ready. Sleeps until
  /// `deadline` at most.
  void turn(port::time_point deadline) noexcept;

  /// Closes everything. A bridge without a thread runs its last turns in here; one with a thread
  /// may still be running them until join().
  void shut_down();
  void join();

  /// Sets the sender of delivered completions (nullptr: none). Before open(), or on the bridge's
  /// thread.
  void send_as(const caf::strong_actor_ptr& sender);

  // -- any thread -----------------------------------------------------------------------------

  void schedule(job ready) noexcept override;

  /// Returns whether the context is shutting down.
  bool is_stopping() const noexcept {
    return stopping_.load(std::memory_order_acquire);
  }

  /// Returns whether the calling thread runs a turn of this bridge.
  bool runs_here() const noexcept;

  const handler_pulse_ptr& pulse() const noexcept {
    return pulse_;
  }

  /// Returns the kind of the port. After open().
  port_kind kind() const noexcept {
    return kind_;
  }

  // -- actors of this bridge only -------------------------------------------------------------

  /// Returns the port, or nullptr after the end.
  port::completion_port* port() noexcept {
    return port_.get();
  }

  timer_queue& timers() noexcept {
    return timers_;
  }

  /// The owner of a pipe has handled `closed`, or has ended before: the bridge waits for that.
  void close_handled() noexcept {
    --unhandled_closes_;
  }

  /// Lets the owner of `pipe`, an `Actor`, handle `message` by way of `element`: now, or in its
  /// turn if other messages come first. Does nothing if the owner is gone.
  /// @returns the owner, or nullptr
  template <class Actor, class T>
  Actor* deliver(owned_pipe& pipe, reusable_element<T>& element, T&& message) {
    auto* owner = static_cast<Actor*>(hold_owner(pipe));
    if (owner == nullptr)
      return nullptr;
    handler_pulse::run run{*pulse_, pipe.id()};
    element.deliver(*owner, std::move(message));
    return owner;
  }

  /// The same, but before everything that waits in the owner's mailbox, and whatever it waits for.
  template <class Actor, class T>
  Actor* deliver_now(owned_pipe& pipe, reusable_element<T>& element, T&& message) {
    auto* owner = static_cast<Actor*>(hold_owner(pipe));
    if (owner == nullptr)
      return nullptr;
    handler_pulse::run run{*pulse_, pipe.id()};
    element.deliver_now(*owner, std::move(message));
    return owner;
  }

  /// Lets the owner of `pipe` handle `shutting_down` now.
  /// @returns false if the owner is gone
  bool deliver_shutting_down(owned_pipe& pipe);

private:
  // -- completions ----------------------------------------------------------------------------

  void on_accepted(port::listener_id listener, port::raw_pipe_ptr accepted) override;
  void on_listener_closed(port::listener_id listener, const caf::error& reason) override;
  void on_received(port::pipe_record& pipe, payload data) override;
  void on_read_ended(port::pipe_record& pipe, const caf::error& reason) override;
  void on_sent(port::pipe_record& pipe, size_t count) override;
  void on_write_failed(port::pipe_record& pipe, size_t count, const caf::error& reason) override;
  void on_closed(port::pipe_record& pipe) override;

  /// Returns the owner, or nullptr if it is gone. The bridge holds a reference until the next call
  /// or the end of the turn.
  pipe_owner* hold_owner(owned_pipe& pipe);

  template <class T>
  pipe_owner* pass_on(port::pipe_record& pipe, T&& message);

  // -- the loop -------------------------------------------------------------------------------

  void run();
  /// Counts a turn as one that runs handlers.
  void begin_work() noexcept;
  bool is_finished() const noexcept;
  void finish();
  void take_inbox();
  void run_jobs();

  port_factory make_port_;
  bridge_residents& residents_;
  handler_watch* watch_;
  handler_pulse_ptr pulse_ = std::make_shared<handler_pulse>();
  std::unique_ptr<port::completion_port> port_;
  port_kind kind_ = port_kind::automatic;
  std::thread thread_;

  // Work that other threads hand in.
  std::mutex mutex_;
  std::vector<job> inbox_;
  bool stopped_ = false;
  std::atomic<bool> inbox_filled_{false};
  std::atomic<bool> stopping_{false};

  // The thread's own.
  std::vector<job> taken_;
  std::deque<job> jobs_;
  timer_queue timers_;
  bool working_ = false;
  /// The owners that have not handled `closed` yet.
  size_t unhandled_closes_ = 0;
  /// How many turns a bridge that has nothing left gives its actors to end by themselves: one that
  /// keeps itself busy must not keep the context alive.
  size_t turns_left_ = defaults::turns_after_end;

  /// Elements that pass_on() fills, one of each kind.
  std::tuple<reusable_element<received>, reusable_element<sent>, reusable_element<write_failed>,
             reusable_element<read_ended>, reusable_element<closed>,
             reusable_element<shutting_down>>
    elements_;
  /// The owner that was delivered to last in this turn. Completions of one connection often come
  /// together, and one reference serves them all: a handler may drop the last handle.
  caf::strong_actor_ptr served_;
};

using completion_bridge_ptr = caf::intrusive_ptr<completion_bridge>;

} // namespace pipeactor::detail
