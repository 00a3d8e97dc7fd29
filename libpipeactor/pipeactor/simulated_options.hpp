#pragma once

#include <cstddef>
#include <cstdint>

namespace pipeactor {

/// What the time of a simulated network is.
enum class simulated_clock : uint8_t {
  /// turn() never blocks: when no port of the network has anything to report, the clock
  /// jumps to turn()'s deadline; with none it stays and turn() returns. For ports that
  /// are turned by hand; a bridge with a thread would spin on it.
  virtual_time,
  /// The steady clock. turn() sleeps. For bridges with threads.
  real_time,
};

struct simulated_options {
  uint64_t seed = 0;
  simulated_clock clock = simulated_clock::virtual_time;
  /// Longest message that can be sent, in bytes.
  size_t largest_message = size_t{4} << 20;
  /// What one direction of a connection holds before writes wait: the first of the two that
  /// is reached. An empty pipe takes a message of any size.
  size_t pipe_capacity_bytes = size_t{208} << 10;
  size_t pipe_capacity_messages = 256;
  /// Byte mode: a port's read returns a part of what is there, as long as the seed says.
  bool split_reads = false;
};

} // namespace pipeactor
