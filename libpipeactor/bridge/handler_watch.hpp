#pragma once

#include "pipeactor/defaults.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace pipeactor::detail {

/// What one bridge is doing, for the watch to see. Written by the bridge's thread.
class handler_pulse {
public:
  /// Marks a handler of a connection as running, as long as it lives.
  class run {
  public:
    run(handler_pulse& pulse, uint64_t connection) noexcept : pulse_(pulse) {
      pulse_.begin(connection);
    }

    ~run() {
      pulse_.end();
    }

    run(const run&) = delete;
    run& operator=(const run&) = delete;

  private:
    handler_pulse& pulse_;
  };

  // -- the bridge -----------------------------------------------------------------------------

  /// A turn begins to run handlers.
  void turn() noexcept {
    turns_.fetch_add(1, std::memory_order_seq_cst);
  }

  /// A handler of the connection begins.
  void begin(uint64_t connection) noexcept {
    connection_.store(connection, std::memory_order_relaxed);
    step();
  }

  void end() noexcept {
    step();
  }

  // -- any thread -----------------------------------------------------------------------------

  /// Returns a number that changes with each beginning and end: odd while a handler runs.
  uint64_t count() const noexcept {
    return count_.load(std::memory_order_acquire);
  }

  /// Returns the connection whose handler runs.
  uint64_t connection() const noexcept {
    return connection_.load(std::memory_order_relaxed);
  }

  /// Returns the number of turns that had something to do.
  uint64_t turns() const noexcept {
    return turns_.load(std::memory_order_seq_cst);
  }

  uint64_t slow_handlers() const noexcept {
    return slow_handlers_.load(std::memory_order_relaxed);
  }

private:
  friend class handler_watch;

  void step() noexcept {
    count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  std::atomic<uint64_t> turns_{0};
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> connection_{0};
  std::atomic<uint64_t> slow_handlers_{0};
};

using handler_pulse_ptr = std::shared_ptr<handler_pulse>;

/// Reports handlers that hold up their bridge (`defaults::slow_handler`), while they still run: a
/// thread that looks at all bridges of a context now and then, and sleeps while they sleep.
class handler_watch {
public:
  handler_watch() = default;
  ~handler_watch();

  handler_watch(const handler_watch&) = delete;
  handler_watch& operator=(const handler_watch&) = delete;

  /// Watches one more bridge.
  void add(handler_pulse_ptr pulse);

  /// A bridge is about to run handlers, and has counted its turn. Any thread.
  void awake() noexcept {
    if (asleep_.load(std::memory_order_seq_cst))
      wake();
  }

  /// Returns whether the watch sleeps until a bridge wakes it. Any thread.
  bool is_asleep() const noexcept {
    return asleep_.load();
  }

private:
  using clock = std::chrono::steady_clock;

  struct watched {
    handler_pulse_ptr pulse;
    uint64_t turns = 0;
    uint64_t count = 0;
    clock::time_point since;
    bool reported = false;
  };

  void run();
  void wake() noexcept;
  /// @returns whether anything moved since the last look, or runs
  bool look();
  void look_at(watched& bridge, clock::time_point now);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<watched> bridges_;
  bool stopping_ = false;
  std::atomic<bool> asleep_{false};
  std::thread thread_;
};

} // namespace pipeactor::detail
