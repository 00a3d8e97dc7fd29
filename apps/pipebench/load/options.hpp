#pragma once

#include "dialect.hpp"

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace pipebench {

/// What the command line says.
struct load_options {
  std::string path;
  /// Where to send messages to broadcast, if the server has a socket of its own for them.
  std::string publisher_path;
  dialect speaks = dialect::packets;
  size_t connections = 64;
  /// The number of connections that send; 0: all do.
  size_t active = 0;
  /// In bytes.
  size_t message_size = 64;
  /// The number of messages of each connection that are on their way at once.
  size_t in_flight = 1;
  /// Messages per second over all connections, whether answers come or not; 0: each answer
  /// triggers the next message.
  double rate = 0;
  double seconds = 2;
  double warm_up = 0.5;
  /// Poll instead of sleeping.
  bool poll = false;
  /// The process whose CPU time and memory are measured.
  pid_t server = 0;
};

} // namespace pipebench
