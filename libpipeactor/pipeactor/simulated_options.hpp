#pragma once

#include <cstddef>
#include <cstdint>

namespace pipeactor {

/// The clock of a simulated network.
enum class simulated_clock : uint8_t {
  /// Time stands still until no port of the network has anything to report. Then a turn moves the
  /// clock to its deadline, without waiting; with no deadline the clock stays. For contexts with
  /// `context_options::run_threads` false: a bridge with a thread would spin.
  virtual_time,
  /// The steady clock; a turn sleeps. For bridges with threads.
  real_time,
};

/// Options of a simulated network, read once when it is made.
struct simulated_options {
  /// Decides what a system leaves to chance: in which order completions of different connections
  /// are reported, and how long split reads are.
  uint64_t seed = 0;

  simulated_clock clock = simulated_clock::virtual_time;

  /// The longest message that can be sent, in bytes.
  size_t largest_message = size_t{4} << 20;

  /// What one direction of a connection holds before writes wait: bytes or messages, whichever
  /// limit is reached first. An empty direction takes a message of any size. Byte mode: bytes
  /// only.
  size_t pipe_capacity_bytes = size_t{208} << 10;
  size_t pipe_capacity_messages = 256;

  /// Byte mode: a port's read returns only a part of what is there, as long as the seed says.
  bool split_reads = false;
};

} // namespace pipeactor
