#pragma once

#include "bridge/pipe_owner.hpp"
#include "port/completion_port.hpp"

namespace pipeactor::detail {

/// The actors and listeners of a bridge, as far as the bridge has to know them: the floor above
/// implements it. The bridge passes completions on and decides nothing about them. Called on the
/// bridge's thread.
class bridge_residents {
public:
  virtual void on_accepted(port::listener_id listener, port::raw_pipe_ptr raw) = 0;

  /// @param reason none if the listener was asked to stop
  virtual void on_listener_closed(port::listener_id listener, const caf::error& reason) = 0;

  /// The port has forgotten the pipe; next, its owner is notified.
  virtual void on_closed(owned_pipe& pipe) = 0;

  /// The context is shutting down: closes everything. Called in each turn until is_empty().
  virtual void close_all() = 0;

  /// Returns whether no listener and no connection is left.
  virtual bool is_empty() const noexcept = 0;

  /// The bridge has run its last turn, and its port is gone.
  virtual void on_finished() = 0;

protected:
  ~bridge_residents() = default;
};

} // namespace pipeactor::detail
