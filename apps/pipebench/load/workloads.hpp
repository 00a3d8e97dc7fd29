#pragma once

#include "histogram.hpp"
#include "mover.hpp"
#include "process_usage.hpp"

#include <nlohmann/json.hpp>

namespace pipebench {

struct load_options {
  std::string path;
  /// Where messages to broadcast go, of servers that have a socket of its own for them.
  std::string publisher_path;
  dialect speaks = dialect::packets;
  size_t connections = 64;
  /// How many of them send anything; 0: all.
  size_t active = 0;
  size_t message_size = 64;
  size_t in_flight = 1;
  /// Messages per second that are sent no matter what comes back; 0: as fast as answers come.
  double rate = 0;
  double seconds = 2;
  double warm_up = 0.5;
  bool poll = false;
  /// The process whose use of processor and memory is told.
  pid_t server = 0;
};

// Each runs for a while and returns its figures. They throw std::exception.

/// Every connection sends, and each message comes back. With a rate a message counts from the
/// time when it was due, not when it could be sent: a server that stalls does not hide it.
nlohmann::json run_echo(const load_options& options);

/// One connection publishes, all receive; a message is over when all have it.
nlohmann::json run_broadcast(const load_options& options);

/// `connections` clients at a time connect, have one message returned, and leave.
nlohmann::json run_connecting(const load_options& options);

/// Connects all, and tells what memory the server spends on them while they say nothing.
nlohmann::json run_idle(const load_options& options);

} // namespace pipebench
