#pragma once

#include "actors/bridge_connections.hpp"
#include "actors/connection_base.hpp"
#include "actors/connection_life.hpp"
#include "actors/connection_settings.hpp"
#include "actors/connection_timers.hpp"
#include "actors/dialer.hpp"
#include "actors/event_sink.hpp"
#include "actors/internal_messages.hpp"
#include "actors/pending_operations.hpp"

#include <memory>
#include <optional>

namespace pipeactor::detail {

/// Decides about its pipe, alone: the port executes, and the bridge passes messages on. The table
/// of connection_life.hpp says what it does in which state.
///
/// An actor of a closed connection lives on until its last handle is gone. One whose handle was
/// sent to another node ends with its pipe: CAF's registry would keep it alive.
class connection_actor final : public connection_base {
public:
  connection_actor(caf::actor_config& cfg, bridge_connections_ptr bridge,
                   connection_record_ptr record, const connection_settings& settings);

  // -- overrides ------------------------------------------------------------------------------

  const char* name() const override {
    return "pipeactor.connection";
  }

  caf::behavior make_behavior() override;
  void on_exit() override;
  void never_handled(const caf::mailbox_element& element) override;
  void on_ended() override {
    events_.clear();
  }
  caf::invoke_message_result consume(caf::mailbox_element& element) override;

  // -- completions: from the bridge, or out of the mailbox ------------------------------------

  void handle(const opened& x) noexcept override;
  void handle(const received& x) noexcept override;
  void handle(const read_ended& x) noexcept override;
  void handle(const sent& x) noexcept override;
  void handle(const write_failed& x) noexcept override;
  void handle(const closed& x) noexcept override;
  void handle(const shutting_down&) noexcept override {
    close(make_error(errc::closed_by_us, "the context ended"));
  }

  void handle(broadcast_write& x) noexcept override;

  // -- the valve ------------------------------------------------------------------------------

  void control_reading() override {
    if (pending_.reads().must_pause())
      if (auto* port = port_of_pipe())
        port->pause_reading(record());
  }

  // -- requests: from the behavior, or from the session ---------------------------------------

  void write(payload data, pipeactor::cookie cookie, answer_promise promise = {},
             broadcast_tracker_ptr tracker = nullptr) override;
  void read(pipeactor::cookie cookie, answer_promise promise = {}) override;
  void close(caf::error reason) noexcept override;
  void answer_when_closed(caf::response_promise promise) override {
    pending_.add_close(std::move(promise), state_ == connection_state::closed);
  }
  void close_after_drain(caf::timespan deadline) override;
  caf::error handler_threw(std::exception_ptr thrown) override;
  connection_stats stats() const override;

  // -- timers of the session ------------------------------------------------------------------

  void time_out_request(caf::message_id response, caf::timespan timeout) override {
    timers_.time_out_request(response, timeout);
  }

  void send_later(caf::strong_actor_ptr receiver, caf::timespan delay,
                  caf::message content) override {
    timers_.send_later(std::move(receiver), delay, std::move(content));
  }

private:
  void failed_late(const cookie& cookie) const override {
    events_.failed_late(cookie, make_error(errc::not_connected));
  }

  // -- the table ------------------------------------------------------------------------------

  /// Makes the transition for `event`.
  /// @returns what to do
  connection_action apply(connection_event event) noexcept;

  /// Returns the action that `event` would lead to.
  connection_action action_of(connection_event event) const noexcept;

  /// Returns the port if the pipe is in its hands, else nullptr. The pipe can be closed while
  /// `closed` still waits in the mailbox.
  port::completion_port* port_of_pipe() noexcept;

  // -- behavior -------------------------------------------------------------------------------

  caf::message_handler completions();
  void on_exit_message(const caf::error& reason);
  void end_with_pipe_closed();
  /// Returns whether a message is handled at once although the session awaits an answer.
  bool wins_over_await(const caf::mailbox_element& element) const;

  // -- reading --------------------------------------------------------------------------------

  /// Opens the valve if it may be.
  void resume_reading();

  // -- opening --------------------------------------------------------------------------------

  void on_open_pipe(const open_pipe& request);
  void dial();
  /// @returns whether the connection reconnects
  bool try_again_later(caf::error reason);
  void begin_anew(const caf::error& lost);

  // -- writing --------------------------------------------------------------------------------

  /// Returns why a write is refused, or nothing. (Optional, because CAF makes and destroys even an
  /// empty error by calls.)
  std::optional<caf::error> refusal_of_write(const payload& data,
                                             const pipeactor::cookie& cookie) const;
  /// Gives the port the writes that it may have.
  void feed_port();

  // -- the end --------------------------------------------------------------------------------

  void close_if_drained() {
    if (pending_.writes().empty())
      on_drained();
  }

  void on_drained();
  void finish() noexcept;
  void on_timer() noexcept;
  bool begin_drain_period();
  /// The session handles no messages of its own and no answers any more: the context has ended, and
  /// it may be one that keeps itself busy.
  void end_own_messages();

  bridge_connections_ptr bridge_;
  caf::actor coordinator_;
  event_sink events_;
  session_factory_ptr make_session_;
  pending_operations pending_;
  connection_timers timers_;
  traffic received_;
  traffic sent_;
  // Of an outgoing connection.
  std::unique_ptr<dialer> dialer_;
  /// Why the pipe was lost or is being closed: the first reason counts.
  caf::error reason_;
  /// Set if an exit message asks the actor to end after its pipe.
  caf::error exit_reason_;
  /// Bytes that had left when the period to drain began.
  uint64_t drained_bytes_ = 0;
  connection_state state_;
  bool closes_after_drain_ = false;
  bool own_messages_ended_ = false;
  /// The end was asked for on this side: the connection does not reconnect.
  bool stays_closed_ = false;

  // Copied from the settings, which hold the server's handle: a connection drops those at its end.
  size_t send_limit_;
  bool continuously_read_;
};

} // namespace pipeactor::detail
