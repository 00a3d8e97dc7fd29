#pragma once

// The table of a port's listeners. Bridge thread only.

#include "port/accept_gate.hpp"
#include "port/completion_port.hpp"
#include "port/life_state.hpp"

#include <cassert>
#include <map>
#include <string>
#include <utility>

namespace pipeactor::port {

/// The data of a listener that every port keeps; the listener of a port derives from it.
struct pipe_listener {
  listener_id id = 0;
  life_state life = life_state::open;
  /// Why it ends, or none if that was asked for.
  caf::error reason;
  /// Closed while accepted clients wait for somebody to deal with them.
  accept_gate gate;
  /// Accepting failed, and is tried again at this time; `min()`: it did not fail.
  time_point rest_until = time_point::min();
  /// closed_handles() when the rest began: one more may be all that was missing.
  uint64_t closed_before_rest = 0;
  /// The log has its line about this shortage.
  bool warned = false;

  bool closing() const noexcept {
    return life != life_state::open;
  }

  bool rests() const noexcept {
    return rest_until > time_point::min();
  }
};

/// Stops accepting for `defaults::accept_backoff`, or until a handle is closed: clients wait in the
/// backlog meanwhile. Logs a warning for each shortage, see all_accepted().
/// @param address the listener's, for the log
void rest(pipe_listener& l, time_point now, const std::string& address, const caf::error& reason);

/// Returns whether a rest goes on.
bool is_resting(const pipe_listener& l, time_point now) noexcept;

/// Nobody waits any more: a shortage is over, and the next one is worth a line in the log.
void all_accepted(pipe_listener& l) noexcept;

/// Ends a listener that can accept no more clients: on_listener_closed follows, with `reason`.
void fail(pipe_listener& l, caf::error reason);

/// The listeners of a port. A listener stays at its address. `Listener` derives from
/// `pipe_listener`.
template <class Listener>
class listener_table {
public:
  /// The largest id: ids must fit into the number that names an operation to the system.
  static constexpr listener_id most = (listener_id{1} << 24) - 1;

  listener_table() = default;
  listener_table(const listener_table&) = delete;
  listener_table& operator=(const listener_table&) = delete;

  /// All listeners were closed before.
  ~listener_table() {
    assert(listeners_.empty());
  }

  bool empty() const noexcept {
    return listeners_.empty();
  }

  /// Adds a listener with an id that no other one has.
  Listener& add() {
    return add([](Listener&) {});
  }

  /// Adds a listener that `prepare` fills in. If that throws, there is none.
  template <class F>
  Listener& add(F prepare) {
    do
      last_ = last_ % most + 1;
    while (listeners_.count(last_) != 0);
    auto& l = listeners_[last_];
    l.id = last_;
    try {
      prepare(l);
    } catch (...) {
      remove(l);
      throw;
    }
    return l;
  }

  Listener* find(listener_id id) noexcept {
    auto i = listeners_.find(id);
    return i != listeners_.end() ? &i->second : nullptr;
  }

  const Listener* find(listener_id id) const noexcept {
    auto i = listeners_.find(id);
    return i != listeners_.end() ? &i->second : nullptr;
  }

  /// Asks for the end of a listener, as stop_listening() does. Idempotent.
  void stop(listener_id id) noexcept {
    if (auto* l = find(id); l != nullptr && !l->closing())
      l->life = life_state::closing;
  }

  /// Forgets a listener.
  void remove(const Listener& l) noexcept {
    listeners_.erase(l.id);
  }

  /// Calls `f` with each listener; `f` may remove it and add others.
  template <class F>
  void for_each(F f) {
    for (auto i = listeners_.begin(); i != listeners_.end();)
      f((i++)->second);
  }

private:
  std::map<listener_id, Listener> listeners_;
  listener_id last_ = 0;
};

} // namespace pipeactor::port
