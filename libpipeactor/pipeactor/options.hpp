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

/// Whether a pipe keeps the boundaries of messages. Server and client must use the same mode.
enum class pipe_mode : uint8_t {
  /// Every write arrives as one message (SOCK_SEQPACKET; PIPE_TYPE_MESSAGE).
  message,
  /// A stream without boundaries: a read returns what is there (SOCK_STREAM; PIPE_TYPE_BYTE).
  byte,
};

/// What happens to a write if the write queue is full.
enum class write_queue_policy : uint8_t {
  /// The write fails with `errc::queue_full`.
  fail_write,
  /// The connection is closed with `errc::queue_full`.
  disconnect,
  /// The oldest writes that can still be taken back fail with `errc::queue_full` and make room. For
  /// clients that want the latest state and not its history: the newest write is always kept.
  drop_oldest,
};

/// What happens to writes while a connection re-connects.
enum class offline_writes : uint8_t {
  /// They wait, and are sent when the connection is back.
  wait,
  /// They fail with `errc::not_connected`.
  fail,
};

/// The mechanism by which a bridge talks to the operating system.
enum class port_kind : uint8_t {
  /// Linux: io_uring, or epoll if io_uring is refused here. Windows: iocp.
  automatic,
  /// Linux: io_uring(7).
  io_uring,
  /// Linux: epoll(7).
  epoll,
  /// Windows: I/O completion ports.
  iocp,
  /// In memory, for tests: see simulated_network.hpp.
  simulated,
};

/// Returns "message" or "byte".
PIPEACTOR_EXPORT std::string to_string(pipe_mode mode);

/// Returns "auto", "io_uring", "epoll", "iocp" or "simulated".
PIPEACTOR_EXPORT std::string to_string(port_kind kind);

/// Makes the port of one bridge, on the thread that will run the bridge.
using port_factory = std::function<caf::expected<std::unique_ptr<port::completion_port>>()>;

/// Options of a context, read once when it is made. They hold for all its bridges. The actor
/// system's configuration replaces those that have their default: see system_config.hpp.
struct context_options {
  port_kind port = port_kind::automatic;

  /// How many bridges serve each server and client manager whose own `num_threads` is 0.
  size_t num_threads = defaults::num_threads;

  /// How long a bridge polls for completions before it sleeps. Polling saves the time to wake up
  /// (some 50 us) when a lone message comes, and costs CPU time while little happens.
  std::chrono::microseconds spin{0};

  /// How many bytes the read and write queues of all connections may hold together. At the limit
  /// each queue may still hold one message: beyond that, reading pauses, and `write_queue_policy`
  /// decides about writes. Each queue counts in steps of 4 KiB.
  size_t memory_limit = defaults::memory_limit;

  /// If set, makes the ports, and `port` has no meaning. For tests: see simulated_network.hpp.
  port_factory make_port;

  /// If false, bridges have no threads: one thread of the caller's runs them with `context::turn`.
  bool run_threads = true;
};

/// Options of every connection, whether accepted or outgoing.
struct connection_options {
  pipe_mode mode = pipe_mode::message;

  /// If true, a read is pending at all times. If false, each `async_read` delivers one message.
  bool continuously_read = true;

  /// Byte mode: how many bytes one read returns at most. Message mode: a hint; longer messages
  /// arrive whole, too.
  size_t message_buffer_size = defaults::message_buffer_size;

  /// Message mode: the longest message in bytes. A longer write fails, and a peer that sends a
  /// longer message is disconnected, both with `errc::message_too_large`. 0: what the operating
  /// system grants, at most 4 MiB. A value that the system does not grant fails at start.
  size_t max_message_size = 0;

  /// How many bytes of payload the handler may hold, which are those that it received and has not
  /// released. Beyond that, reading pauses; it resumes at half.
  size_t read_queue_bytes = defaults::read_queue_bytes;

  /// The same, in messages.
  size_t read_queue_messages = defaults::read_queue_messages;

  /// How many written bytes may wait for a slow peer. Beyond that, `write_queue_policy` decides. An
  /// empty queue takes a single message of any length.
  size_t write_queue_bytes = defaults::write_queue_bytes;

  /// The same, in messages.
  size_t write_queue_messages = defaults::write_queue_messages;

  pipeactor::write_queue_policy write_queue_policy = pipeactor::write_queue_policy::fail_write;
};

/// Options of a server, read once when it starts.
struct server_options : connection_options {
  /// The name to publish: a leaf name ("MyService"), or on Linux an absolute path. Required.
  std::string pipe_name;

  /// How many of the context's bridges (I/O threads) serve the connections. A new connection goes
  /// to the bridge with the fewest and stays there. 0: as `context_options::num_threads` says.
  size_t num_threads = 0;

  /// How many clients may wait to be accepted. On Linux this is the backlog of listen(2); on
  /// Windows the number of pipe instances that listen, at most 64.
  size_t pending_instances = defaults::pending_instances;

  /// How many connections one user may have to this server at a time, so that no user takes the
  /// descriptors and the memory of the others. A client beyond that is disconnected, and the server
  /// gets `client_disconnected` with `errc::too_many_connections`. Users whom the system does not
  /// identify count as one. 0: any number.
  size_t connections_per_user = 0;

  /// The users who may connect. On Linux it also decides which directory a leaf name is in: the
  /// user's own for `owner`, else /run/pipeactor, which the administrator makes. Linux disconnects
  /// a client that is not admitted, and the server gets `client_disconnected` with
  /// `errc::access_denied`. Windows does not let it connect, and the client gets that error.
  pipe_access access;
};

/// How a connection reconnects by itself after it was lost, or could not be made.
struct reconnect_options {
  /// The pause before the first attempt. It doubles with each failure, up to `max_delay`.
  std::chrono::milliseconds initial_delay = defaults::reconnect_delay;
  std::chrono::milliseconds max_delay = defaults::reconnect_delay_limit;

  /// The share (0 to 1) by which each pause is shortened at most, at random: when a server comes
  /// back, its clients do not all return at the same moment.
  double jitter = defaults::reconnect_jitter;

  /// How many attempts in a row may fail before the connection ends. 0: any number.
  size_t max_attempts = 0;

  /// What happens to writes in the meantime.
  offline_writes writes = offline_writes::wait;
};

/// Options of a client manager, read once when it is made. They hold for all its connections.
struct client_options : connection_options {
  /// How many of the context's bridges (I/O threads) serve the connections. 0: as
  /// `context_options::num_threads` says.
  size_t num_threads = 0;

  /// If set, connections reconnect by themselves. Each loss raises `reconnecting`, each return
  /// `connected`; `disconnected` or `connect_failed` is raised only at the end. An error that
  /// another attempt cannot cure, such as a bad name, ends the connection.
  std::optional<reconnect_options> reconnect;

  /// The users who may own the server: another user could take the pipe's name first. A server of
  /// any other user is refused with `errc::access_denied`, and nothing is sent to it.
  pipe_access trusted_servers;
};

/// Returns `errc::invalid_option` with the name and the range of the first option that is out of
/// range, `errc::missing_pipe_name` for a server without one, or no error.
PIPEACTOR_EXPORT caf::error check(const server_options& options);

/// @copydoc check
PIPEACTOR_EXPORT caf::error check(const client_options& options);

/// @copydoc check
PIPEACTOR_EXPORT caf::error check(const context_options& options);

} // namespace pipeactor
