#pragma once

#include <sys/types.h>

#include <cstdint>

namespace pipebench {

/// What a process has used so far, of all its threads, by /proc (proc(5)).
struct process_usage {
  double cpu_seconds = 0;
  uint64_t context_switches = 0;
  /// Memory of its own that is resident now: no files, nothing shared.
  uint64_t anonymous_bytes = 0;
};

/// Returns zeros where there is no such process.
process_usage usage_of(pid_t process);

} // namespace pipebench
