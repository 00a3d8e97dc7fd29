#pragma once

// A bound on the clients that a listener has accepted and nobody has dealt with yet. Without it,
// clients that come faster than their server deals with them would pile up as open handles; with
// it, they wait in the system's backlog, which has a bound of its own.

#include "pipeactor/defaults.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace pipeactor::port {

/// Counts the accepted clients of one listener until they are adopted or closed.
class accept_gate {
  struct state;

public:
  /// The right to one accepted client. Its destructor lets the next one in. Any thread, even after
  /// the end of the port.
  class ticket {
  public:
    ticket() noexcept = default;
    ticket(ticket&& other) noexcept = default;

    ticket& operator=(ticket&& other) noexcept {
      std::swap(state_, other.state_);
      return *this;
    }

    ~ticket();

  private:
    friend class accept_gate;

    explicit ticket(std::shared_ptr<state> gate) noexcept : state_(std::move(gate)) {}

    std::shared_ptr<state> state_;
  };

  accept_gate();
  accept_gate(accept_gate&& other) noexcept = default;
  accept_gate& operator=(accept_gate&& other) noexcept = default;

  /// The function of on_open() is not called from here on.
  ~accept_gate();

  /// Sets the function that is called, on any thread, when a gate that was full opens again. Call
  /// it before the first ticket.
  void on_open(std::function<void()> call);

  /// Returns whether one more client may be accepted. The port's thread.
  bool is_open() const noexcept;

  /// Lets one client in. Precondition: is_open(). The port's thread.
  ticket admit();

private:
  std::shared_ptr<state> state_;
};

} // namespace pipeactor::port
