#pragma once

// The answers to `get_stats`. Counters begin with the connection or bridge they belong to and
// never go back.

#include "pipeactor/caf.hpp"
#include "pipeactor/type_ids.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pipeactor {

/// What one connection has done, and what it has queued.
struct connection_stats {
  uint64_t id = 0;
  bool is_connected = false;
  uint64_t messages_received = 0;
  uint64_t bytes_received = 0;
  /// Accepted by the operating system.
  uint64_t messages_sent = 0;
  uint64_t bytes_sent = 0;
  /// Operations that failed, with their cookies.
  uint64_t messages_failed = 0;
  /// Handed to handlers and not released yet (`read_queue_bytes`, `read_queue_messages`).
  uint64_t read_queue_messages = 0;
  uint64_t read_queue_bytes = 0;
  /// Written and not accepted by the operating system yet (`write_queue_bytes`, ...).
  uint64_t write_queue_messages = 0;
  uint64_t write_queue_bytes = 0;
};
PIPEACTOR_INSPECT(connection_stats, id, is_connected, messages_received, bytes_received,
                  messages_sent, bytes_sent, messages_failed, read_queue_messages, read_queue_bytes,
                  write_queue_messages, write_queue_bytes)

/// What one bridge has done for all servers and client managers that share it.
struct bridge_stats {
  /// "io_uring", "epoll", ...
  std::string port;
  uint64_t connections = 0;
  /// Turns of its loop: messages per turn tell how well system calls are shared.
  uint64_t turns = 0;
  uint64_t messages_received = 0;
  uint64_t bytes_received = 0;
  uint64_t messages_sent = 0;
  uint64_t bytes_sent = 0;
  /// Handlers that ran for longer than `defaults::slow_handler`.
  uint64_t slow_handlers = 0;
};
PIPEACTOR_INSPECT(bridge_stats, port, connections, turns, messages_received, bytes_received,
                  messages_sent, bytes_sent, slow_handlers)

/// What a server or client manager knows.
struct statistics {
  /// The bridges that serve its connections.
  std::vector<bridge_stats> bridges;
  /// Its own connections, in no order.
  std::vector<connection_stats> connections;
  /// What the queues of the whole context hold, in steps of 4 KiB per queue.
  uint64_t queued_bytes = 0;
  uint64_t memory_limit = 0;
};
PIPEACTOR_INSPECT(statistics, bridges, connections, queued_bytes, memory_limit)

} // namespace pipeactor
