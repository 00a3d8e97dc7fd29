#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace pipeactor::detail {

/// The states of a connection. The actor decides by them; the pipe has a state of its own
/// (port::pipe_state), which only its port writes.
enum class connection_state : uint8_t {
  /// Not connected yet, or between two attempts to connect.
  opening,
  connected,
  /// The peer writes no more; writes that are queued for it are still sent.
  draining,
  /// The port was asked to close the pipe.
  closing,
  closed,
};

/// Something that happens to a connection, or that is asked of it.
enum class connection_event : uint8_t {
  /// The pipe is connected.
  opened,
  /// It is time to connect again.
  retry_due,
  received,
  /// The peer writes no more.
  input_ended,
  /// async_write
  write,
  /// async_read
  read,
  close_after_drain,
  /// async_close, stop, an exit message, a failed handler, the context's end, a peer that breaks
  /// the rules, or draining that is complete or too slow.
  close,
  /// The port has closed the pipe.
  pipe_closed,
  /// The connection was lost and reconnects (reconnect_options).
  reopen,
};

/// The connection's reaction.
enum class connection_action : uint8_t {
  none,
  /// Start to read; raise `connected`.
  begin,
  /// Connect to the server.
  dial,
  /// Raise `message_received`.
  deliver,
  /// Send what is queued, then close.
  drain,
  /// Take the operation, and keep it until the pipe is connected.
  queue,
  /// Take the operation, and pass it to the port.
  pass_on,
  /// Fail the operation with errc::not_connected.
  refuse,
  /// Refuse further writes; close when the earlier ones are sent.
  close_when_drained,
  /// Ask the port to close the pipe.
  close_pipe,
  /// Raise the last event: `disconnected`, or `connect_failed` if there was never a connection.
  finish,
  /// Fail operations that cannot wait; start again.
  begin_anew,
};

struct transition {
  connection_action action = connection_action::none;
  connection_state next = connection_state::closed;
};

constexpr size_t num_connection_states = static_cast<size_t>(connection_state::closed) + 1;
constexpr size_t num_connection_events = static_cast<size_t>(connection_event::reopen) + 1;

using connection_life_table
  = std::array<std::array<transition, num_connection_states>, num_connection_events>;

/// Returns the life of a connection, which connection_actor runs. An accepted connection is born
/// `connected`, an outgoing one `opening`.
constexpr connection_life_table make_connection_life() {
  using on = connection_event;
  using to = connection_state;
  using act = connection_action;

  /// A cell of the table: the action, and the next state if it is another one.
  struct cell {
    act action = act::none;
    std::optional<to> next = std::nullopt;
  };

  constexpr cell none;
  constexpr cell begin{act::begin, to::connected};
  constexpr cell dial{act::dial};
  constexpr cell deliver{act::deliver};
  constexpr cell drain{act::drain, to::draining};
  constexpr cell queue{act::queue};
  constexpr cell pass_on{act::pass_on};
  constexpr cell refuse{act::refuse};
  constexpr cell end_soon{act::close_when_drained};
  constexpr cell close{act::close_pipe, to::closing};
  constexpr cell finish{act::finish, to::closed};
  constexpr cell anew{act::begin_anew, to::opening};

  connection_life_table life{};
  auto row = [&life](on event, cell opening, cell connected, cell draining, cell closing,
                     cell closed) {
    auto& result = life[static_cast<size_t>(event)];
    result[0] = {opening.action, opening.next.value_or(to::opening)};
    result[1] = {connected.action, connected.next.value_or(to::connected)};
    result[2] = {draining.action, draining.next.value_or(to::draining)};
    result[3] = {closing.action, closing.next.value_or(to::closing)};
    result[4] = {closed.action, closed.next.value_or(to::closed)};
  };
  // clang-format off
  //                         opening    connected  draining   closing    closed
  row(on::opened,            begin,     begin,     none,      none,      none);
  row(on::retry_due,         dial,      none,      none,      none,      none);
  row(on::received,          none,      deliver,   none,      none,      none);
  row(on::input_ended,       none,      drain,     none,      none,      none);
  row(on::write,             queue,     pass_on,   pass_on,   refuse,    refuse);
  row(on::read,              queue,     pass_on,   refuse,    refuse,    refuse);
  row(on::close_after_drain, end_soon,  end_soon,  end_soon,  none,      none);
  row(on::close,             finish,    close,     close,     none,      none);
  row(on::pipe_closed,       none,      finish,    finish,    finish,    none);
  row(on::reopen,            none,      anew,      anew,      anew,      none);
  // clang-format on
  return life;
}

inline constexpr auto connection_life = make_connection_life();

constexpr const transition& transition_of(connection_state state, connection_event event) noexcept {
  return connection_life[static_cast<size_t>(event)][static_cast<size_t>(state)];
}

/// Returns the name, for tests and logs.
const char* to_string(connection_state state) noexcept;
const char* to_string(connection_event event) noexcept;
const char* to_string(connection_action action) noexcept;

} // namespace pipeactor::detail
