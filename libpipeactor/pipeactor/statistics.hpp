#pragma once

// The answers to `get_stats`. A counter starts at 0 with its connection or bridge and never goes
// back. Sizes are in bytes. To add a field: a line in the struct and its name below it.

#include "pipeactor/caf.hpp"
#include "pipeactor/type_ids.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pipeactor {

/// The counters of one connection, and what its queues hold.
struct connection_stats {
  /// `named_pipe_connection::id`.
  uint64_t id = 0;
  bool is_connected = false;
  uint64_t messages_received = 0;
  uint64_t bytes_received = 0;
  /// Messages that the operating system took; the peer may not have read them.
  uint64_t messages_sent = 0;
  uint64_t bytes_sent = 0;
  /// Writes and reads that failed: the number of `message_failed` events.
  uint64_t messages_failed = 0;
  /// Messages that were handed to a handler and are not released yet: what the options
  /// `read_queue_messages` and `read_queue_bytes` bound.
  uint64_t read_queue_messages = 0;
  uint64_t read_queue_bytes = 0;
  /// Messages that were written and that the operating system has not taken yet: what the options
  /// `write_queue_messages` and `write_queue_bytes` bound.
  uint64_t write_queue_messages = 0;
  uint64_t write_queue_bytes = 0;
};
PIPEACTOR_INSPECT(connection_stats, id, is_connected, messages_received, bytes_received,
                  messages_sent, bytes_sent, messages_failed, read_queue_messages, read_queue_bytes,
                  write_queue_messages, write_queue_bytes)

/// The counters of one bridge. All servers and client managers of its context share them.
struct bridge_stats {
  /// The kind of its port: "io_uring", "epoll", "iocp" or "simulated".
  std::string port;
  /// Connections that are open now.
  uint64_t connections = 0;
  /// Runs of its loop. The more messages there are per turn, the better system calls are shared.
  uint64_t turns = 0;
  uint64_t messages_received = 0;
  uint64_t bytes_received = 0;
  uint64_t messages_sent = 0;
  uint64_t bytes_sent = 0;
  /// Handlers of sessions that ran for longer than `defaults::slow_handler`.
  uint64_t slow_handlers = 0;
};
PIPEACTOR_INSPECT(bridge_stats, port, connections, turns, messages_received, bytes_received,
                  messages_sent, bytes_sent, slow_handlers)

/// The answer of a server or client manager.
struct statistics {
  /// The bridges that may serve its connections.
  std::vector<bridge_stats> bridges;
  /// Its own connections, in no order.
  std::vector<connection_stats> connections;
  /// What the read and write queues of the whole context hold together. Each queue counts in steps
  /// of 4 KiB.
  uint64_t queued_bytes = 0;
  /// `context_options::memory_limit`.
  uint64_t memory_limit = 0;
};
PIPEACTOR_INSPECT(statistics, bridges, connections, queued_bytes, memory_limit)

} // namespace pipeactor
