#pragma once

#include <sys/types.h>

#include <cstdint>

namespace pipebench {

/// What all threads of a process have used so far, from /proc (proc(5)).
struct process_usage {
  double cpu_seconds = 0;
  uint64_t context_switches = 0;
  /// Resident memory of its own: neither files nor shared memory.
  uint64_t anonymous_bytes = 0;
};

/// Returns zeros if there is no such process.
process_usage usage_of(pid_t process);

} // namespace pipebench
