#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/defaults.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/fwd.hpp"
#include "pipeactor/pipe_access.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace pipeactor {

/// How bytes on a pipe are cut.
enum class pipe_mode : uint8_t {
  /// Every write arrives as one message (SOCK_SEQPACKET, PIPE_TYPE_MESSAGE).
  message,
  /// A stream: a read returns what is there (SOCK_STREAM, PIPE_TYPE_BYTE).
  byte,
};

/// What a write does that finds the write queue full.
enum class write_queue_policy : uint8_t {
  /// That write fails with `errc::queue_full`.
  fail_write,
  /// The connection is closed with `errc::queue_full`.
  disconnect,
  /// The oldest writes that the port has not begun fail with `errc::queue_full` to make
  /// room: for clients that want news and not history. The newest is always kept.
  drop_oldest,
};

/// What becomes of writes while a connection re-connects.
enum class offline_writes : uint8_t {
  /// They are sent when the connection is there again.
  wait,
  /// They fail with `errc::not_connected`.
  fail,
};

/// The operating system's completion mechanism.
enum class port_kind : uint8_t {
  /// The best one that works here: io_uring, or epoll where it is refused; on Windows iocp.
  automatic,
  io_uring,
  epoll,
  iocp,
  /// In memory, for tests: see port/simulated.hpp.
  simulated,
};

PIPEACTOR_EXPORT std::string to_string(pipe_mode mode);
PIPEACTOR_EXPORT std::string to_string(port_kind kind);

/// Makes the port of one bridge, on the thread that will run it.
using port_factory = std::function<caf::expected<std::unique_ptr<port::completion_port>>()>;

/// Options of a context: they hold for all its bridges.
struct context_options {
  port_kind port = port_kind::automatic;

  /// How long a bridge polls for completions before it sleeps. Costs CPU time while
  /// idle traffic goes on, and saves the wake-up (some 50 us) of a lone message.
  std::chrono::microseconds spin{0};

  /// What the read and write queues of all connections may hold together, in bytes. At
  /// the limit a connection may have one message in each of its queues: reading pauses beyond
  /// it, and for writes `write_queue_policy` decides. Counted in steps of 4 KiB per queue.
  size_t memory_limit = defaults::memory_limit;

  /// Where set, makes the ports in place of `port`.
  port_factory make_port;

  /// false: bridges have no threads of their own; the caller runs them with
  /// `context::turn`, all from one thread.
  bool run_threads = true;
};

/// What every connection has, whichever side made it.
struct connection_options {
  pipe_mode mode = pipe_mode::message;

  /// true: a read is pending at all times. false: one message per `async_read`.
  bool continuously_read = true;

  /// Byte mode: the longest piece that one read returns. Message mode: a hint only,
  /// longer messages arrive whole.
  size_t message_buffer_size = defaults::message_buffer_size;

  /// Message mode: a longer write fails and a peer that sends more is disconnected,
  /// both with `errc::message_too_large`. 0: what the operating system grants, at
  /// most 4 MiB. A value that it does not grant fails at start.
  size_t max_message_size = 0;

  /// Reading pauses while a connection has handed out this much that is not
  /// released yet, and resumes at half.
  size_t read_queue_bytes = defaults::read_queue_bytes;
  size_t read_queue_messages = defaults::read_queue_messages;

  /// What may wait for a slow peer; beyond it `write_queue_policy` decides.
  size_t write_queue_bytes = defaults::write_queue_bytes;
  size_t write_queue_messages = defaults::write_queue_messages;
  pipeactor::write_queue_policy write_queue_policy = pipeactor::write_queue_policy::fail_write;
};

/// Options of a server, read once when it starts.
struct server_options : connection_options {
  /// Leaf name ("MyService"), or on Linux an absolute path. Required.
  std::string pipe_name;

  /// Number of the context's bridges (I/O threads) that serve the connections. A
  /// new connection goes to the one with the fewest and stays there.
  size_t num_threads = defaults::num_threads;

  /// Connections that may wait to be accepted: the listen backlog, on Windows instances that are
  /// kept ready (64 at most).
  size_t pending_instances = defaults::pending_instances;

  /// Who may connect. Decides on Linux where a leaf name lies too: `owner` in the user's own
  /// directory, all others in /run/pipeactor, which the administrator makes. A client that is
  /// not admitted is disconnected with `errc::access_denied`, and only the server is told. On
  /// Windows the system does not let it connect, and only the client is told.
  pipe_access access;
};

/// How a connection comes back by itself after it was lost or could not be made.
struct reconnect_options {
  /// The pause before the first attempt; it doubles with each that fails, up to `max_delay`.
  std::chrono::milliseconds initial_delay = defaults::reconnect_delay;
  std::chrono::milliseconds max_delay = defaults::reconnect_delay_limit;

  /// Each pause is shortened at random by up to this share (0 to 1), so that the clients
  /// of a server that comes back do not all return in the same moment.
  double jitter = defaults::reconnect_jitter;

  /// Attempts in a row that may fail before the connection ends. 0: any number.
  size_t max_attempts = 0;

  offline_writes writes = offline_writes::wait;
};

/// Options of a client manager; they hold for all its connections.
struct client_options : connection_options {
  /// Number of the context's bridges (I/O threads) that serve the connections.
  size_t num_threads = defaults::num_threads;

  /// Where set, connections come back by themselves: `reconnecting` and `connected` tell of
  /// each change, `disconnected` (or `connect_failed`) only of the end. Errors that time does
  /// not mend, such as a bad name, end a connection all the same.
  std::optional<reconnect_options> reconnect;

  /// Who may be the server: another user could be faster to take a name. Any other is
  /// refused with `errc::access_denied`, and nothing is sent to it.
  pipe_access trusted_servers;
};

/// Returns an error that names the first option that is out of range, or none.
PIPEACTOR_EXPORT caf::error check(const server_options& options);

/// @copydoc check
PIPEACTOR_EXPORT caf::error check(const client_options& options);

/// @copydoc check
PIPEACTOR_EXPORT caf::error check(const context_options& options);

} // namespace pipeactor
