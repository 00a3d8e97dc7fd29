#pragma once

#include "pipeactor/messages.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/session.hpp"
#include "actors/connection_record.hpp"
#include "actors/connection_settings.hpp"
#include "actors/dialer.hpp"
#include "actors/internal_messages.hpp"
#include "actors/write_queue.hpp"
#include "base/ring_queue.hpp"
#include "bridge/completion_bridge.hpp"

#include <memory>
#include <optional>
#include <string>

namespace pipeactor::detail {

/// The only one who touches its pipe. Its life, and what happens in each state:
///
///                    | opening        | connected     | draining        | closing    | closed
/// -------------------|----------------|---------------|-----------------|------------|---------
///  (connected)       | -> connected   |               |                 |            |
///  (busy)            | ask again      |               |                 |            |
///  (not made)        | -> closed (4)  |               |                 |            |
///  received          |                | event         | -               | -          |
///  read_ended        |                | -> draining (1) | -             | -          |
///  sent              |                | event; (2)    | event; (2)      | event      |
///  write_failed      |                | event; (2)    | event; (2)      | event      |
///  async_write       | queue (5)      | queue (5)     | queue (5)       | fail (3)   | fail (3)
///  async_read        | queue          | read one      | fail (3)        | fail (3)   | fail (3)
///  async_close       | -> closed (4)  | -> closing    | -> closing      | -          | -
///  close_after_drain | (2)            | (2)           | (2)             | -          | -
///  handler failed    | -              | -> closing    | -> closing      | -          | -
///  timer_expired     | try again; (6) | (6)           | (6)             | -          | -
///  closed            |                |               |                 | (4)        |
///
/// (1) A peer that sent too much is closed at once. (2) -> closing when nothing waits to be
/// written any more: after close_after_drain, or when the handler has seen all that was
/// received before the end. (3) errc::not_connected. (4) The last event: `disconnected`, or
/// `connect_failed` for one that never was connected; but where the connection comes back by
/// itself (`reconnect_options`): `reconnecting`, and -> opening. (5) Fails after
/// close_after_drain. (6) -> closing when the time to drain is over.
///
/// An actor of a closed connection lives on until its last handle is gone. One whose handle
/// was sent to another node ends with its pipe: CAF's registry would keep it for good.
class connection_actor final : public pinned_actor {
public:
  connection_actor(caf::actor_config& cfg, completion_bridge_ptr bridge,
                   connection_record_ptr record, const connection_settings& setup);
  ~connection_actor() override;

  // -- overrides ------------------------------------------------------------------------------

  const char* name() const override;
  caf::behavior make_behavior() override;
  void on_exit() override;
  caf::invoke_message_result consume(caf::mailbox_element& element) override;

  // -- completions: by the bridge at once, or out of the mailbox ------------------------------

  void handle(const received& x) {
    on_received(x.data);
  }

  void handle(const sent& x) {
    on_sent(x.count);
  }

  void handle(const write_failed& x) {
    on_write_failed(x.count, x.reason);
  }

  void handle(const read_ended& x) {
    on_read_ended(x.reason);
  }

  void handle(const opened& x) {
    on_opened(x.refused);
  }

  void handle(const closed&) {
    on_closed();
  }

  void handle(broadcast_write& x) {
    write(std::move(x.data), std::move(x.cookie), nullptr, std::move(x.tracker));
  }

  // -- requests: also called by the session, on the bridge ------------------------------------

  void write(payload data, pipeactor::cookie cookie, promise_of_answer promise = {},
             broadcast_tracker_ptr tracker = nullptr);
  void read(pipeactor::cookie cookie, promise_of_answer promise = {});
  void close(caf::error reason);
  void close_after_drain(caf::timespan deadline);
  void time_out_request(caf::message_id response, caf::timespan timeout);
  connection_stats stats() const;

  connection_record& record() const noexcept {
    return *record_;
  }

private:
  enum class phase : uint8_t { opening, connected, draining, closing, closed };

  struct pending_read {
    pipeactor::cookie cookie;
    promise_of_answer promise;
  };

  struct refused_operation {
    pipeactor::cookie cookie;
    caf::error reason;
  };

  struct counters {
    uint64_t messages_received = 0;
    uint64_t bytes_received = 0;
    uint64_t messages_sent = 0;
    uint64_t bytes_sent = 0;
    uint64_t messages_failed = 0;
  };

  // -- opening: connection_actor_opening.cpp --------------------------------------------------

  void on_open_pipe(const open_pipe& request);
  void try_to_connect();
  void on_opened(const caf::error& refused);
  /// @returns whether the connection comes back by itself
  bool try_again_later(caf::error reason);
  void reopen(const caf::error& lost);

  // -- completions: connection_actor_completions.cpp ------------------------------------------

  void on_received(const payload& data);
  void on_read_ended(const caf::error& reason);
  void on_sent(size_t count);
  void on_write_failed(size_t count, const caf::error& reason);
  void on_closed();
  void on_timer();

  /// Asks for `handler_caught_up`.
  void await_handler();
  void close_if_drained();

  // -- events, to the session or to the handler: connection_actor_events.cpp ------------------

  void raise_connected();
  void raise_received(const pipeactor::cookie& cookie, const payload& data);
  void raise_sent(const pipeactor::cookie& cookie);
  void raise_failed(const pipeactor::cookie& cookie, const caf::error& error);
  void raise_reconnecting(const caf::error& reason, caf::timespan delay);
  void raise_connect_failed();
  void raise_disconnected();
  void raise_down(const caf::down_msg& message);

  /// Sends an event to the handler actor, where there is one: as the type that servers or
  /// the one that client managers use.
  template <class ServerEvent, class ClientEvent, class... Ts>
  void send_to_handler(const caf::actor& handler, const Ts&... xs);

  /// Runs a handler of the session's and catches what it throws.
  template <class F>
  void call_session(F handler);

  /// What a handler of the session's throws closes the connection, and harms nobody else.
  caf::error handler_threw(std::exception_ptr error) override;

  // -- helpers --------------------------------------------------------------------------------

  caf::message_handler requests();
  caf::message_handler completions();
  /// Fails an operation that was not begun. The event comes later: a session must not
  /// hear of a failure from inside its own request.
  void refuse(pipeactor::cookie cookie, promise_of_answer promise, caf::error reason);
  void raise_refused_operations();
  void fail_reads(const caf::error& reason);
  /// Returns why a write is not begun, if so. (An empty caf::error is made and destroyed by
  /// calls.)
  std::optional<caf::error> refusal_of_write(const payload& data,
                                             const pipeactor::cookie& cookie) const;
  void drop_writes(size_t size);
  /// Passes on what the port may have.
  void feed_port();
  /// At the context's end the pipe is closed, and the bridge may be gone, while `closed` still
  /// waits in the mailbox.
  bool pipe_is_closed() const noexcept;
  void call_at(port::time_point when);
  caf::response_promise promise_of_close();
  void finish();
  void drop_session();
  named_pipe_connection handle();

  completion_bridge_ptr bridge_;
  connection_record_ptr record_;
  caf::actor coordinator_;
  caf::actor handler_;
  // Takes the handler's place once closed: handlers hold connections, and a connection
  // that holds its handler would keep both for good.
  caf::weak_actor_ptr late_handler_;
  std::unique_ptr<session> session_;
  session_factory make_session_;
  write_queue writes_;
  ring_queue<pending_read> reads_;
  ring_queue<refused_operation> refused_;
  ring_queue<caf::response_promise> closers_;
  counters counters_;
  // Of an outgoing connection.
  std::unique_ptr<dialer> dialer_;
  port::time_point try_again_at_ = port::time_point::max();
  port::time_point drain_deadline_ = port::time_point::max();
  caf::error reason_;
  /// Set where an exit message asks the actor to end after its pipe.
  caf::error exit_reason_;
  phase phase_;
  bool handler_caught_up_ = false;
  bool closes_after_drain_ = false;

  // Of the setup: it holds the server's handle, which a connection gives up at its end.
  size_t send_limit_;
  bool continuously_read_;
};

/// Counts how the writes of one broadcast end. The last reference to go tells the server.
class broadcast_tracker {
public:
  broadcast_tracker(uint64_t id, caf::actor server);
  ~broadcast_tracker();

  void count(bool sent) noexcept {
    (sent ? sent_ : failed_).fetch_add(1, std::memory_order_relaxed);
  }

private:
  uint64_t id_;
  caf::actor server_;
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> failed_{0};
};

} // namespace pipeactor::detail
