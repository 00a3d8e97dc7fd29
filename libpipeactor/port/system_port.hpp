#pragma once

// The base of the ports of operating systems: slots and listeners, requests that are noted until
// the next turn, the turn itself, and waking. A port adds the calls of its system.

#include "base/errors.hpp"
#include "port/closed_handles.hpp"
#include "port/completion_port.hpp"
#include "port/listener_table.hpp"
#include "port/slot_table.hpp"

#include <atomic>
#include <thread>

namespace pipeactor::port {

/// @tparam Slot the port's data of a pipe, derived from `pipe_slot`
/// @tparam Listener the port's data of a listener, derived from `pipe_listener`
template <class Slot, class Listener>
class system_port : public completion_port {
public:
  // -- the contract, as far as it is the same for all ------------------------------------------

  time_point now() const noexcept final {
    return clock::now();
  }

  void stop_listening(listener_id listener) final {
    listeners_.stop(listener);
  }

  void start_reading(pipe_record& pipe) final {
    if (auto* s = slots_.slot_of(pipe)) {
      s->reads_wanted = pipe_slot::every_message;
      slots_.mark_dirty(*s);
    }
  }

  void pause_reading(pipe_record& pipe) final {
    if (auto* s = slots_.slot_of(pipe);
        s != nullptr && s->reads_wanted == pipe_slot::every_message) {
      s->reads_wanted = 0;
      slots_.mark_dirty(*s);
    }
  }

  void read_one(pipe_record& pipe) final {
    if (auto* s = slots_.slot_of(pipe);
        s != nullptr && s->reads_wanted != pipe_slot::every_message) {
      ++s->reads_wanted;
      slots_.mark_dirty(*s);
    }
  }

  void write(pipe_record& pipe, payload data) final {
    assert(!data.empty());
    if (auto* s = slots_.slot_of(pipe)) {
      s->writes.push_back(std::move(data));
      slots_.mark_dirty(*s);
    }
  }

  size_t bytes_sent_of_oldest(pipe_record& pipe) noexcept final {
    return slots_.front_offset_of(pipe);
  }

  void close(pipe_record& pipe) final {
    if (auto* s = slots_.slot_of(pipe); s != nullptr && !s->closing()) {
      s->life = life_state::closing;
      set_closing(pipe);
      slots_.mark_dirty(*s);
    }
  }

  caf::error turn(time_point deadline, completion_handler& handler) final {
    assert(handler_ == nullptr && "turn() from inside a callback");
    handler_ = &handler;
    reported_ = false;
    wake_by_ = deadline;
    if (!failure_)
      begin_turn();
    serve_listeners();
    serve_slots();
    wait();
    if (!failure_)
      dispatch();
    handler_ = nullptr;
    return failure_;
  }

  void wake() noexcept final {
    if (wake_state_.exchange(wake_state::woken) == wake_state::asleep)
      signal();
  }

protected:
  enum class wake_state : uint8_t { awake, asleep, woken };

  /// @param spin how long a turn polls before it sleeps
  explicit system_port(std::chrono::microseconds spin) : spin_(spin) {}

  // -- what a port does in its own way --------------------------------------------------------

  /// The first thing in a turn.
  virtual void begin_turn() {}

  /// Sees to it that clients are accepted. Called in every turn while the listener is open, has
  /// its gate open and does not rest.
  virtual void begin_accepting(Listener& l) = 0;

  /// Stops accepting; called until it returns true.
  /// @returns whether nothing is outstanding
  virtual bool end_accepting(Listener& l) = 0;

  /// Begins what was requested for a pipe: closing, writing, reading.
  virtual void serve_slot(Slot& s) = 0;

  /// Fetches what the system has to report, without waiting.
  /// @returns whether there is anything to dispatch
  virtual bool poll() = 0;

  /// Waits until there is something, signal() is called or `deadline` passes, and fetches it.
  virtual void sleep(time_point deadline) = 0;

  /// Reports what was fetched.
  virtual void dispatch() = 0;

  /// Ends sleep(). Any thread.
  virtual void signal() noexcept = 0;

  /// Closes the handle and discards unread input; nothing is outstanding.
  virtual void close_handle(Slot& s) noexcept = 0;

  // -- the turn -------------------------------------------------------------------------------

  /// Makes this turn's wait end at `when` at the latest.
  void wake_by(time_point when) noexcept {
    wake_by_ = std::min(wake_by_, when);
  }

  /// The port is beyond repair: from now on it only closes what it is asked to close.
  void fail_port(caf::error reason) {
    if (failure_)
      return;
    failure_ = std::move(reason);
    slots_.for_each([this](Slot& s) { slots_.mark_dirty(s); });
  }

  bool failed() const noexcept {
    return static_cast<bool>(failure_);
  }

  // -- reports --------------------------------------------------------------------------------

  void deliver(Slot& s, payload data) {
    s.count_read();
    reported_ = true;
    handler_->on_received(*s.pipe, std::move(data));
  }

  /// The peer writes no more, and everything that it wrote was delivered.
  /// @param state `cut_off` if empty messages may be left
  void end_of_input(Slot& s, input_state state = input_state::read_out) {
    end_reading(s, errors::closed_by_peer(s.reset), state);
  }

  void end_reading(Slot& s, const caf::error& reason, input_state state = input_state::cut_off) {
    assert(!s.reading_ended() && !s.closing());
    s.input = state;
    reported_ = true;
    set_closing(*s.pipe);
    handler_->on_read_ended(*s.pipe, reason);
  }

  /// The oldest `count` writes were sent. Those of a pipe that was closed meanwhile fail at its
  /// end.
  void report_sent(Slot& s, size_t count) {
    if (count == 0 || s.closing())
      return;
    s.drop_writes(count);
    reported_ = true;
    handler_->on_sent(*s.pipe, count);
  }

  /// The oldest `count` writes failed.
  void fail_writes(Slot& s, size_t count, const caf::error& reason) {
    if (count == 0)
      return;
    s.front_offset = 0;
    s.drop_writes(count);
    reported_ = true;
    handler_->on_write_failed(*s.pipe, count, reason);
  }

  /// Ends a pipe that is closing and has nothing outstanding. Call it once a turn until the slot
  /// is released: a handler may write once more when a write fails.
  void finish_close(Slot& s) {
    clear_handle(*s.pipe);
    close_handle(s);
    handle_was_closed();
    fail_writes(s, s.writes.size(), make_error(errc::operation_aborted));
    if (!s.writes.empty()) {
      slots_.mark_dirty(s);
      return;
    }
    auto pipe = slots_.release(s);
    set_closed(*pipe);
    reported_ = true;
    handler_->on_closed(*pipe);
  }

  slot_table<Slot> slots_;
  listener_table<Listener> listeners_;
  completion_handler* handler_ = nullptr;
  /// Something was reported in this turn, or will be: it must not sleep.
  bool reported_ = false;

private:
  void serve_listeners() {
    auto rests = false;
    listeners_.for_each([&](Listener& l) {
      if (l.closing()) {
        if (failure_ || end_accepting(l))
          close_listener(l);
        return;
      }
      if (!is_resting(l, now()) && l.gate.is_open() && !failure_) {
        l.rest_until = time_point::min();
        begin_accepting(l);
        reported_ |= l.closing();
      }
      rests |= l.rests();
      wake_by(l.rests() ? l.rest_until : time_point::max());
    });
    // A handle that was closed before the watch began woke nobody.
    reported_ |= shortage_.watch(rests);
  }

  void close_listener(Listener& l) {
    auto id = l.id;
    auto reason = std::move(l.reason);
    listeners_.remove(l);
    handle_was_closed();
    reported_ = true;
    handler_->on_listener_closed(id, reason);
  }

  void serve_slots() {
    slots_.serve_dirty([this](Slot& s) {
      if (!failure_)
        serve_slot(s);
      else if (s.closing())
        finish_close(s);
    });
  }

  void wait() {
    if (failure_) {
      // There is nothing to wait with: return, so that the caller can look at its own work.
      if (!reported_)
        std::this_thread::sleep_until(std::min(wake_by_, now() + failed_turn));
    } else if (reported_ || slots_.has_dirty() || wake_by_ == time_point::min()
               || wake_by_ <= now()) {
      poll();
    } else if (!spin()) {
      auto expected = wake_state::awake;
      if (wake_state_.compare_exchange_strong(expected, wake_state::asleep))
        sleep(wake_by_);
      else
        poll();
    }
    // This wake() is seen: work that was prepared before it is found after turn() has returned.
    wake_state_.exchange(wake_state::awake);
  }

  bool spin() {
    if (spin_.count() == 0)
      return false;
    auto end = std::min(now() + spin_, wake_by_);
    do
      if (poll())
        return true;
    while (wake_state_.load(std::memory_order_relaxed) == wake_state::awake && now() < end);
    return false;
  }

  /// How long a turn of a port beyond repair lasts at most.
  static constexpr std::chrono::milliseconds failed_turn{1};

  std::chrono::microseconds spin_;
  time_point wake_by_;
  /// While a listener rests.
  closed_handle_watch shortage_{[this] { wake(); }};
  caf::error failure_;
  std::atomic<wake_state> wake_state_{wake_state::awake};
};

} // namespace pipeactor::port
