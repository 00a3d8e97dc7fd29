#pragma once

#include "pipeactor/completion_bridge.hpp"
#include "pipeactor/messages.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/session.hpp"
#include "pipeactor/detail/connection_record.hpp"
#include "pipeactor/detail/connection_setup.hpp"
#include "pipeactor/detail/port_messages.hpp"
#include "pipeactor/detail/ring_queue.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pipeactor::detail {

/// The only one who touches its pipe. Its life, and what happens in each state:
///
///                 | opening        | connected     | draining       | closing  | closed
/// ----------------|----------------|---------------|----------------|----------|---------
///  (connected)    | -> connected   |               |                |          |
///  (busy)         | try again      |               |                |          |
///  (not made)     | -> closed (4)  |               |                |          |
///  received       |                | event         | -              | -        |
///  read_ended     |                | -> draining (1) | -            | -        |
///  sent           |                | event         | event; (2)     | event    |
///  write_failed   |                | event         | event; (2)     | event    |
///  async_write    | queue          | queue         | queue          | fail (3) | fail (3)
///  async_read     | queue          | read one      | fail (3)       | fail (3) | fail (3)
///  async_close    | -> closed (4)  | -> closing    | -> closing     | -        | -
///  handler failed | -              | -> closing    | -> closing     | -        | -
///  timer_expired  | try again      | -             | -> closing     | -        | -
///  closed         |                |               |                | (4)      |
///
/// (1) A peer that sent too much is closed at once. (2) -> closing when nothing waits to be
/// written any more and the handler has seen all that was received. (3) errc::not_connected.
/// (4) The last event: `disconnected`, or `connect_failed` for one that never was connected.
///
/// An actor of a closed connection lives on until its last handle is gone.
class connection_actor final : public pinned_actor {
public:
  connection_actor(caf::actor_config& cfg, completion_bridge_ptr bridge,
                   connection_record_ptr record, const connection_setup& setup);
  ~connection_actor() override;

  // -- overrides ------------------------------------------------------------------------------

  const char* name() const override;
  caf::behavior make_behavior() override;
  void on_exit() override;

  // -- requests: also called by the session, on the bridge ------------------------------------

  void write(payload data, pipeactor::cookie cookie, caf::response_promise promise = {},
             broadcast_tracker_ptr tracker = nullptr);
  void read(pipeactor::cookie cookie, caf::response_promise promise = {});
  void close(caf::error reason);

  connection_record& record() const noexcept {
    return *record_;
  }

private:
  enum class phase : uint8_t { opening, connected, draining, closing, closed };

  struct pending_write {
    pipeactor::cookie cookie;
    size_t size = 0;
    caf::response_promise promise;
    broadcast_tracker_ptr tracker;
  };

  struct pending_read {
    pipeactor::cookie cookie;
    caf::response_promise promise;
  };

  struct connection_attempt {
    std::string pipe_name;
    port::time_point deadline;
    port::clock::duration backoff = defaults::connect_backoff;
  };

  struct refused_operation {
    pipeactor::cookie cookie;
    caf::error reason;
  };

  // -- completions ----------------------------------------------------------------------------

  void on_open_pipe(const open_pipe& request);
  void try_to_connect();
  void on_opened(const caf::error& refused);
  void on_received(const payload& data);
  void on_read_ended(const caf::error& reason);
  void on_sent(size_t count);
  void on_write_failed(size_t count, const caf::error& reason);
  void on_closed();

  // -- events: to the session or to the handler -----------------------------------------------

  void raise_connected();
  void raise_received(const pipeactor::cookie& cookie, const payload& data);
  void raise_sent(const pipeactor::cookie& cookie);
  void raise_failed(const pipeactor::cookie& cookie, const caf::error& error);
  void raise_connect_failed();
  void raise_disconnected();

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
  void refuse(pipeactor::cookie cookie, caf::response_promise promise, caf::error reason);
  void raise_refused_operations();
  void fail_reads(const caf::error& reason);
  bool queue_is_full(size_t size) const noexcept;
  /// At the context's end the pipe is closed, and the bridge may be gone, while `closed` still
  /// waits in the mailbox.
  bool pipe_is_closed() const noexcept;
  void close_if_drained();
  void finish();
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
  ring_queue<pending_write> writes_;
  // What was written while opening.
  std::vector<payload> unsent_;
  ring_queue<pending_read> reads_;
  ring_queue<refused_operation> refused_;
  ring_queue<caf::response_promise> closers_;
  size_t write_queue_bytes_ = 0;
  // While opening.
  std::unique_ptr<connection_attempt> attempt_;
  caf::error reason_;
  /// Set where an exit message asks the actor to end after its pipe.
  caf::error exit_reason_;
  phase phase_;
  bool handler_caught_up_ = false;

  // Of the setup: it holds the server's handle, which a connection gives up at its end.
  size_t send_limit_;
  size_t write_queue_byte_limit_;
  size_t write_queue_message_limit_;
  write_queue_policy write_queue_policy_;
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
