#pragma once

// What every port must do. A port is the only place that knows an operating
// system; everything above speaks in these words. The ports (io_uring, epoll,
// iocp, simulated) implement the same functions in the same order, and one test
// suite (tests/contract) runs on all of them.
//
// Threads: a port belongs to one thread, the one that calls turn(). Only wake() may
// be called from others. Completions are reported from inside turn() and never from
// inside a request, so a handler may make any request.
//
// Ownership: a port owns its receive buffers and delivers payloads. It holds a
// reference to a pipe's record from adopt() until on_closed(), and to a payload
// from write() until that write was reported.

#include "pipeactor/export.hpp"
#include "pipeactor/payload.hpp"
#include "port/pipe_record.hpp"
#include "port/resolved_access.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pipeactor::port {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;

/// A connection that is made but has no record yet. Closes it where nobody adopts it.
class raw_pipe {
public:
  virtual ~raw_pipe() = default;

  /// Returns who is at the other end.
  virtual peer_identity peer() const = 0;
};

using raw_pipe_ptr = std::unique_ptr<raw_pipe>;

/// Names a listener towards its port.
using listener_id = uint32_t;

/// What to listen on.
struct listen_request {
  std::string pipe_name;
  pipe_mode mode = pipe_mode::message;
  size_t backlog = defaults::pending_instances;
  /// Listening fails where check_message_size() refuses it.
  size_t max_message_size = 0;
  /// Whom to let reach the name. Others may reach it too, and are then refused above
  /// (guards_access).
  resolved_access access = {};
};

/// Returns the leaf names of live servers that match a pattern (see `find_named_pipes`),
/// sorted; connects to none. Any thread, also after the end of the port it came from. Looks at
/// directories: not for bridges.
using pipe_finder = std::function<caf::expected<std::vector<std::string>>(const std::string&)>;

/// Takes completions from a port. Called on the port's thread, inside turn().
class completion_handler {
public:
  /// A client connected to the listener. What is not moved on is closed.
  virtual void on_accepted(listener_id listener, raw_pipe_ptr raw) = 0;

  /// The listener's name is free and nothing more will be accepted.
  virtual void on_listener_closed(listener_id listener) = 0;

  /// Message mode: a whole message, perhaps an empty one. Byte mode: one or more bytes.
  virtual void on_received(pipe_record& pipe, payload data) = 0;

  /// Nothing more will be received: all that the peer wrote before was reported.
  /// Writing may still work (`errc::closed_by_peer`: the peer may have closed its
  /// writing half only).
  virtual void on_read_ended(pipe_record& pipe, const caf::error& reason) = 0;

  /// The operating system accepted the oldest `count` writes not reported yet.
  virtual void on_sent(pipe_record& pipe, size_t count) = 0;

  /// The oldest `count` writes not reported yet failed.
  virtual void on_write_failed(pipe_record& pipe, size_t count, const caf::error& reason) = 0;

  /// Every operation has returned, the handle is closed, the port forgets the pipe.
  virtual void on_closed(pipe_record& pipe) = 0;

protected:
  ~completion_handler() = default;
};

class PIPEACTOR_EXPORT completion_port {
public:
  /// Everything must be closed before.
  virtual ~completion_port() = default;

  virtual port_kind kind() const noexcept = 0;

  /// Returns whether the system turns away whom `listen_request::access` does not admit before
  /// the server hears of them; who comes is then admitted, also where it can't be told who it is.
  virtual bool guards_access() const noexcept = 0;

  /// Returns the time that deadlines are measured with.
  virtual time_point now() const noexcept = 0;

  /// Returns the longest message that can be sent, in bytes.
  virtual size_t max_message_size() const noexcept = 0;

  /// Returns an error that tells what the system needs for messages of `size` bytes, or none
  /// where it grants them. 0 is always granted.
  virtual caf::error check_message_size(size_t size) const = 0;

  // -- listening ------------------------------------------------------------------------------

  /// Publishes a name; clients may connect when this returns.
  /// @returns the listener, or why not (`errc::pipe_in_use`, ...)
  virtual caf::expected<listener_id> listen(const listen_request& request) = 0;

  /// Returns the address of the listener as the operating system knows it, e.g. the path
  /// of its socket file.
  virtual std::string address(listener_id listener) const = 0;

  /// Stops accepting and gives the name back; on_listener_closed follows.
  /// Idempotent.
  virtual void stop_listening(listener_id listener) = 0;

  // -- discovery ------------------------------------------------------------------------------

  virtual pipe_finder finder() const = 0;

  // -- pipes ----------------------------------------------------------------------------------

  /// Opens a connection to a server. Never waits: a server without a free instance is
  /// `errc::pipe_busy`, and trying again is the caller's decision.
  virtual caf::expected<raw_pipe_ptr> connect(const std::string& pipe_name, pipe_mode mode) = 0;

  /// Takes charge of a connection that this or another port made: sets handle and peer
  /// identity in the record, and its state to `connected`. Reading is paused.
  virtual void adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) = 0;

  /// Keeps a read pending: each message is delivered as it comes.
  virtual void start_reading(pipe_record& pipe) = 0;

  /// Stops reading. What was received before may still be delivered: at most
  /// `defaults::reads_per_turn` messages and what lies in receive buffers already.
  virtual void pause_reading(pipe_record& pipe) = 0;

  /// While paused: delivers one message more. Calls add up.
  virtual void read_one(pipe_record& pipe) = 0;

  /// Queues `data` behind all writes before it. `data` is not empty and, in message
  /// mode, not longer than max_message_size().
  virtual void write(pipe_record& pipe, payload data) = 0;

  /// Cancels every outstanding operation, throws unread input away (so that the peer
  /// can still read our last words), closes the handle. Writes not reported yet are
  /// reported as failed (`errc::operation_aborted`), then on_closed.
  /// The state becomes `closing` at once. Idempotent.
  virtual void close(pipe_record& pipe) = 0;

  // -- the loop -------------------------------------------------------------------------------

  /// Runs one turn: submits what was requested, waits until a completion comes, wake()
  /// is called or `deadline` passes, and reports completions to `handler`. A deadline in
  /// the past polls.
  virtual void turn(time_point deadline, completion_handler& handler) = 0;

  /// Ends a wait in turn(), now or at its next call. Any thread.
  virtual void wake() noexcept = 0;
};

/// Makes the port for `kind` on this platform. `automatic` takes the best that works
/// and logs once why a better one was refused. Call it on the thread that will run it.
/// @param spin how long turn() polls before it sleeps
PIPEACTOR_EXPORT caf::expected<std::unique_ptr<completion_port>>
make_completion_port(port_kind kind, std::chrono::microseconds spin);

} // namespace pipeactor::port
