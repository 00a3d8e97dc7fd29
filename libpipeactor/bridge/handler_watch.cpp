#include "bridge/handler_watch.hpp"

#include "base/log.hpp"

#include <spdlog/fmt/fmt.h>

namespace pipeactor::detail {

handler_watch::~handler_watch() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

void handler_watch::add(handler_pulse_ptr pulse) {
  std::lock_guard guard{mutex_};
  bridges_.push_back({std::move(pulse), 0, 0, clock::now(), false});
  if (!thread_.joinable())
    thread_ = std::thread{[this] { run(); }};
}

void handler_watch::wake() noexcept {
  // With the lock: the watch either has not looked yet, or waits already.
  std::lock_guard guard{mutex_};
  asleep_.store(false, std::memory_order_relaxed);
  changed_.notify_one();
}

void handler_watch::run() {
  std::unique_lock guard{mutex_};
  while (!stopping_) {
    if (look()) {
      changed_.wait_for(guard, defaults::watch_interval);
      continue;
    }
    asleep_.store(true, std::memory_order_seq_cst);
    // A turn that began before its bridge could see the flag is seen here.
    if (look())
      asleep_.store(false, std::memory_order_relaxed);
    else
      changed_.wait(guard, [this] { return stopping_ || !asleep_.load(); });
  }
}

bool handler_watch::look() {
  auto now = clock::now();
  auto moved = false;
  for (auto& bridge : bridges_) {
    auto turns = bridge.pulse->turns();
    moved = moved || turns != bridge.turns;
    bridge.turns = turns;
    look_at(bridge, now);
    moved = moved || bridge.count % 2 != 0;
  }
  return moved;
}

void handler_watch::look_at(watched& bridge, clock::time_point now) {
  auto& pulse = *bridge.pulse;
  auto count = pulse.count();
  if (count != bridge.count) {
    bridge.count = count;
    bridge.since = now;
    bridge.reported = false;
    return;
  }
  if (count % 2 == 0 || bridge.reported || now - bridge.since < defaults::slow_handler)
    return;
  auto connection = pulse.connection();
  if (pulse.count() != count)
    return;
  bridge.reported = true;
  pulse.slow_handlers_.fetch_add(1, std::memory_order_relaxed);
  log_warning(fmt::format(
    "a handler of connection {} runs for over {} ms, and all connections of its bridge wait for "
    "it: hand work that takes long to another actor",
    connection, std::chrono::milliseconds{defaults::slow_handler}.count()));
}

} // namespace pipeactor::detail
