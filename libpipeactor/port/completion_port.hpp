#pragma once

// The contract of a port: one of the operating system's mechanisms for pipes. A port is the only
// place that knows an operating system; everything above speaks in the words of this file. One
// test suite (tests/contract) runs on all ports.
//
// Threads: a port belongs to one thread, the one that calls turn(). Only wake() may be called
// from others. Completions are reported from inside turn() and never from inside a request, so
// a handler may make any request.
//
// Ownership: a port owns its receive buffers and delivers payloads. It holds a reference to a
// pipe's record from adopt() until on_closed(), and to a payload from write() until that write
// was reported. Only ports change a record's state.
//
// To add a port:
//   1. `port_kind` (pipeactor/options.hpp), its name in options.cpp and in apps/pipecat/main.cpp.
//   2. port/<platform>/<name>_port.hpp, and three files that are cut by way: <name>_port.cpp
//      (life, listening, pipes, a turn), <name>_port_receive.cpp and <name>_port_send.cpp. Slots,
//      listeners, requests and waking are there already: system_port.hpp, linux/unix_port.hpp.
//   3. make_completion_port.cpp of its platform, and the list in libpipeactor/CMakeLists.txt.
//   4. A new platform needs what port/linux and port/windows have under one name: pipe_name,
//      pipe_discovery, peer_identity (with principal.hpp), make_completion_port; and a line in
//      tests/headers/CMakeLists.txt and in OS_ALLOWED of tests/lint.py.
//   5. Tests: the list in tests/contract/unix_client.cpp, tests/unit/<name>_port_test.cpp for what
//      only this port knows, PORTS in tests/integration/CMakeLists.txt.
//
// Ports are read side by side: what does the same has the same name and the same place in each.
//   life                          make, the destructor
//   listening   serve_listeners   opens, reopens and closes listeners: serve_listener(l)
//               accept(l, ...)    a client came, or accepting failed (accept_gate.hpp)
//               rest, fail        accepting failed: for now, for ever (listener_table.hpp)
//   a turn      serve_slots       serves the pipes that were asked for something: serve_slot(s)
//               poll, sleep       fetch what the system has to report, dispatch(...) leads it on
//   receiving   begin_reading(s)  asks the system for input if s.wants_read(), or for the end
//               deliver(s, data)  reports a message
//               end_of_input(s)   everything that the peer wrote was read
//               end_reading(s, reason)
//   sending     begin_writing(s)  hands queued writes to the system
//               report_sent(s, count), fail_writes(s, count, reason)
//   closing     finish_close(s)   nothing is outstanding: closes, fails what is queued
//   members     slots_, listeners_, handler_, wake_state_, reported_ (something was reported in
//               this turn before the wait, so it must not sleep); slot& s, listener& l

#include "pipeactor/export.hpp"
#include "pipeactor/payload.hpp"
#include "port/accept_gate.hpp"
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

/// A connection that is made but has no record yet. Its destructor closes it if it was not
/// adopted.
class raw_pipe {
public:
  virtual ~raw_pipe() = default;

  /// Returns the identity of the peer; fields that the system does not report are empty.
  virtual peer_identity peer() const = 0;

  /// Of an accepted client: lets the next one in when this pipe is adopted or closed.
  accept_gate::ticket ticket;
};

using raw_pipe_ptr = std::unique_ptr<raw_pipe>;

/// Names a listener towards its port.
using listener_id = uint32_t;

/// What to listen on.
struct listen_request {
  std::string pipe_name;
  pipe_mode mode = pipe_mode::message;
  /// Clients that may wait to be accepted.
  size_t backlog = defaults::pending_instances;
  /// In bytes; see check_message_size().
  size_t max_message_size = 0;
  /// The users who may connect. If guards_access() is false, others may get through, and are
  /// refused by the floors above.
  resolved_access access = {};
};

/// Returns the leaf names of live servers that match a pattern (see `find_named_pipes`), sorted;
/// connects to none. Any thread but a bridge's, because it reads directories. Works even after the
/// end of the port that it came from.
/// @returns `errc::access_denied`, `errc::unsafe_directory`, `errc::out_of_resources` or
///   `errc::os_error` if a directory cannot be read
using pipe_finder = std::function<caf::expected<std::vector<std::string>>(const std::string&)>;

/// Takes completions from a port. Called on the port's thread, inside turn().
class completion_handler {
public:
  /// A client connected to the listener. The connection is closed if `raw` is not moved on.
  /// `defaults::accepted_at_once` of a listener may be neither adopted nor closed; then clients
  /// wait in its backlog.
  virtual void on_accepted(listener_id listener, raw_pipe_ptr raw) = 0;

  /// The listener's name is free, and nothing more will be accepted.
  /// @param reason none after stop_listening(), else why the listener can accept no more clients
  virtual void on_listener_closed(listener_id listener, const caf::error& reason) = 0;

  /// Message mode: a whole message, perhaps an empty one. Byte mode: one or more bytes.
  virtual void on_received(pipe_record& pipe, payload data) = 0;

  /// Nothing more will be received: all that the peer wrote before was reported. The record's
  /// state is `closing`, but the pipe stays until close(), and writing may still work
  /// (`errc::closed_by_peer`: the peer may have closed its writing half only).
  /// @param reason `errc::closed_by_peer`, `errc::peer_reset` (the peer did not read all that we
  ///   sent), `errc::message_too_large`, `errc::out_of_resources` or `errc::os_error`
  virtual void on_read_ended(pipe_record& pipe, const caf::error& reason) = 0;

  /// The operating system accepted the oldest `count` writes not reported yet.
  virtual void on_sent(pipe_record& pipe, size_t count) = 0;

  /// The oldest `count` writes not reported yet failed.
  /// @param reason `errc::operation_aborted` after close(); `errc::closed_by_peer`,
  ///   `errc::peer_reset`, `errc::message_too_large`, `errc::out_of_resources`, `errc::os_error`
  virtual void on_write_failed(pipe_record& pipe, size_t count, const caf::error& reason) = 0;

  /// Every operation has returned, the handle is closed, the port forgets the pipe. Only after
  /// close().
  virtual void on_closed(pipe_record& pipe) = 0;

protected:
  ~completion_handler() = default;
};

class PIPEACTOR_EXPORT completion_port {
public:
  /// Every listener and pipe must be closed before.
  virtual ~completion_port() = default;

  /// Returns the mechanism.
  virtual port_kind kind() const noexcept = 0;

  /// Returns whether the system itself refuses clients that `listen_request::access` does not
  /// admit. Every client that gets through then counts as admitted, even if its identity is not
  /// known; else the floors above compare its identity.
  virtual bool guards_access() const noexcept = 0;

  /// Returns the time that deadlines are measured with.
  virtual time_point now() const noexcept = 0;

  /// Returns the longest message that can be sent, in bytes.
  virtual size_t max_message_size() const noexcept = 0;

  /// Returns none if the system grants messages of `size` bytes, else `errc::invalid_option`
  /// with what it needs for them. 0 is always granted.
  virtual caf::error check_message_size(size_t size) const = 0;

  // -- listening ------------------------------------------------------------------------------

  /// Publishes a name; clients may connect when this returns.
  /// @returns the listener, or `errc::pipe_busy` (try again for up to `defaults::name_linger`: the
  ///   server before has ended, and the system has not freed the name yet; or somebody removed the
  ///   new files at once), `errc::pipe_in_use`,
  ///   `errc::access_denied`, `errc::not_a_pipe`
  ///   (something else has the name), `errc::unsafe_directory`, `errc::missing_pipe_name`,
  ///   `errc::invalid_pipe_name`, `errc::pipe_name_too_long`, `errc::invalid_option` (the message
  ///   size, or a group that the name cannot be given to), `errc::out_of_resources` or
  ///   `errc::os_error`
  virtual caf::expected<listener_id> listen(const listen_request& request) = 0;

  /// Returns the address of the listener as the operating system knows it, e.g. the path of its
  /// socket file; empty if there is no such listener.
  virtual std::string address(listener_id listener) const = 0;

  /// Stops accepting and gives the name back; on_listener_closed follows, with no reason.
  /// Idempotent.
  virtual void stop_listening(listener_id listener) = 0;

  // -- discovery ------------------------------------------------------------------------------

  /// Returns the function that finds servers on this system.
  virtual pipe_finder finder() const = 0;

  // -- pipes ----------------------------------------------------------------------------------

  /// Opens a connection to a server. Never waits; whether to try again is the caller's decision.
  /// @returns the connection, or `errc::no_such_pipe` (nobody listens), `errc::pipe_busy` (no
  ///   instance is free), `errc::access_denied`, `errc::not_a_pipe` (a pipe of the other mode, or
  ///   none at all), `errc::unsafe_directory`, `errc::missing_pipe_name`,
  ///   `errc::invalid_pipe_name`, `errc::pipe_name_too_long`, `errc::out_of_resources` or
  ///   `errc::os_error`
  virtual caf::expected<raw_pipe_ptr> connect(const std::string& pipe_name, pipe_mode mode) = 0;

  /// Takes charge of a connection that this or another port of its kind made: sets handle and
  /// peer identity in the record, and its state to `connected`. Reading is paused. What fails
  /// here is reported by on_read_ended in the next turn.
  virtual void adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) = 0;

  /// Keeps a read pending: each message is delivered when it comes.
  virtual void start_reading(pipe_record& pipe) = 0;

  /// Stops reading. What was received before may still be delivered: at most
  /// `defaults::reads_per_turn` messages and what lies in receive buffers already.
  virtual void pause_reading(pipe_record& pipe) = 0;

  /// While paused: delivers one message more. Calls add up.
  virtual void read_one(pipe_record& pipe) = 0;

  /// Queues `data` behind all writes before it. `data` is not empty and, in message mode, not
  /// longer than max_message_size(). Failures are reported by on_write_failed.
  virtual void write(pipe_record& pipe, payload data) = 0;

  /// Returns how many bytes of the oldest write have left: 0 in message mode.
  virtual size_t bytes_sent_of_oldest(pipe_record& pipe) noexcept = 0;

  /// Cancels every outstanding operation, discards unread input (so that the peer can still read
  /// our last words) and closes the handle. Writes not reported yet are reported as failed
  /// (`errc::operation_aborted`), then on_closed. The record's state becomes `closing` at once.
  /// Idempotent.
  virtual void close(pipe_record& pipe) = 0;

  // -- records that no port has: their bridge's thread -----------------------------------------

  /// Makes a record `opening` again, for a connection that reconnects. Its pipe was closed.
  static void reopen(pipe_record& pipe) noexcept;

  /// Makes an `opening` record `closed`: no port will adopt it.
  static void abort_opening(pipe_record& pipe) noexcept;

  // -- the loop -------------------------------------------------------------------------------

  /// Runs one turn: submits what was requested, waits until a completion comes, wake() is called
  /// or `deadline` passes, and reports completions to `handler`. A deadline in the past polls. It
  /// may return early with nothing to report: a signal, or the kernel's own work, ends a wait.
  /// @returns none, or why the port is beyond repair. It then receives and sends nothing more: stop
  ///   every listener, close every pipe, and run turns until all of them were reported.
  virtual caf::error turn(time_point deadline, completion_handler& handler) = 0;

  /// Ends a wait in turn(), now or at its next call. Any thread.
  virtual void wake() noexcept = 0;

protected:
  // -- for ports: the states of a record -------------------------------------------------------

  /// adopt(): the record's first state with a port.
  static void set_connected(pipe_record& pipe, native_handle_type handle, peer_identity peer);

  /// close(), or the input has ended.
  static void set_closing(pipe_record& pipe) noexcept;

  /// The handle is about to be closed: from now on nobody may look at it.
  static void clear_handle(pipe_record& pipe) noexcept;

  /// The last state, before on_closed. The handle was cleared and the slot released.
  static void set_closed(pipe_record& pipe) noexcept;
};

/// Makes the port for `kind` on this platform, on the thread that will run it. `automatic` takes
/// the best one that works, and logs once why a better one was refused.
/// @param spin how long turn() polls before it sleeps
/// @returns the port, or `errc::not_supported` (not on this system, or refused here),
///   `errc::invalid_option` (a simulated port is made by its network) or `errc::out_of_resources`
PIPEACTOR_EXPORT caf::expected<std::unique_ptr<completion_port>>
make_completion_port(port_kind kind, std::chrono::microseconds spin);

} // namespace pipeactor::port
