#pragma once

#include "clock.hpp"
#include "histogram.hpp"
#include "mover.hpp"
#include "options.hpp"
#include "process_usage.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

namespace pipebench {

/// Measures a run: the warm-up, which does not count, then the time that counts. Ends a run in
/// which nothing moves for 5 s.
class measurement {
public:
  explicit measurement(const load_options& options)
      : options_(options), phase_end_(now_ns() + nanoseconds(options.warm_up)) {}

  /// Counts a message.
  void count(uint64_t took_ns) {
    ++moved_;
    if (counting_)
      latencies_.add(took_ns);
  }

  /// Call it often. @returns whether the run is over
  bool over(uint64_t now) {
    if (moved_ != moved_before_) {
      moved_before_ = moved_;
      last_move_ = now;
    } else if (last_move_ != 0 && now - last_move_ > stall_patience) {
      stalled_ = true;
      return true;
    }
    if (now < phase_end_)
      return false;
    if (counting_)
      return true;
    counting_ = true;
    begin_ = now;
    phase_end_ = now + nanoseconds(options_.seconds);
    own_begin_ = usage_of(getpid());
    server_begin_ = usage_of(options_.server);
    return false;
  }

  nlohmann::json figures(const faults& seen) const;

private:
  static constexpr uint64_t stall_patience = 5'000'000'000;

  static uint64_t nanoseconds(double seconds) {
    return static_cast<uint64_t>(seconds * 1e9);
  }

  const load_options& options_;
  histogram latencies_;
  uint64_t moved_ = 0;
  uint64_t moved_before_ = 0;
  uint64_t last_move_ = 0;
  uint64_t begin_ = 0;
  uint64_t phase_end_;
  bool counting_ = false;
  bool stalled_ = false;
  process_usage own_begin_;
  process_usage server_begin_;
};

} // namespace pipebench
