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

/// What goes wrong in a simulated network. Each fault happens once in so many chances on average,
/// as the seed says; 0: never. Errors have the codes that systems report.
struct simulated_faults {
  // -- completions ----------------------------------------------------------------------------

  /// A completion is reported in a later turn than the one in which the network carried out the
  /// operation. So a close can lose to it: what has left is reported as cancelled.
  uint32_t late_completions = 0;

  /// The network takes one part of a write, and the rest later (byte mode).
  uint32_t short_writes = 0;

  /// Closing takes one turn more, as if an operation had not returned yet.
  uint32_t slow_closes = 0;

  // -- connections ----------------------------------------------------------------------------

  /// A connection breaks: both ends see a reset after what was sent before.
  uint32_t cuts = 0;

  /// A write fails, and all that are queued behind it (ENOBUFS, ENOMEM).
  uint32_t failed_sends = 0;

  /// A read fails (ENOMEM, EIO).
  uint32_t failed_receives = 0;

  // -- listening and connecting ---------------------------------------------------------------

  /// Accepting fails, and rests (EMFILE, ENFILE, ENOBUFS, ENOMEM).
  uint32_t exhausted_accepts = 0;

  /// A client is gone before it is accepted (ECONNABORTED).
  uint32_t aborted_accepts = 0;

  /// A listener can accept no more (EINVAL), and ends.
  uint32_t dead_listeners = 0;

  /// A port cannot publish a name (EMFILE).
  uint32_t failed_listens = 0;

  /// A port cannot publish a name yet, because the system has not freed it: servers try again.
  uint32_t busy_names = 0;

  /// A port cannot connect (EAGAIN, ECONNREFUSED, EMFILE).
  uint32_t failed_connects = 0;
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

  /// What goes wrong, until simulated_network::set_faults.
  simulated_faults faults;
};

} // namespace pipeactor
