#include "process_usage.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace pipebench {

namespace fs = std::filesystem;

namespace {

/// Returns the CPU time of a thread, to the nanosecond (proc(5), schedstat): /proc/PID/stat only
/// counts ticks of 10 ms.
double cpu_seconds_of(const fs::path& thread) {
  std::ifstream file{thread / "schedstat"};
  uint64_t nanoseconds = 0;
  file >> nanoseconds;
  return static_cast<double>(nanoseconds) / 1e9;
}

/// Returns the sum of the values in a status file that have one of the keys.
template <class... Keys>
uint64_t sum_of(const fs::path& status, Keys... keys) {
  std::ifstream file{status};
  std::string key;
  std::string rest;
  uint64_t result = 0;
  while (file >> key) {
    uint64_t value = 0;
    if (((key == keys) || ...) && file >> value)
      result += value;
    std::getline(file, rest);
  }
  return result;
}

} // namespace

process_usage usage_of(pid_t process) {
  auto root = fs::path{"/proc"} / std::to_string(process);
  process_usage result;
  std::error_code gone;
  result.anonymous_bytes = sum_of(root / "status", "RssAnon:") * 1024;
  for (const auto& thread : fs::directory_iterator{root / "task", gone}) {
    result.cpu_seconds += cpu_seconds_of(thread.path());
    result.context_switches += sum_of(thread.path() / "status",
                                      "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:");
  }
  return result;
}

} // namespace pipebench
