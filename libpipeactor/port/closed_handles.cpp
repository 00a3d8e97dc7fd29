#include "port/closed_handles.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

namespace pipeactor::port {

namespace {

struct watch_list {
  std::mutex mutex;
  std::vector<closed_handle_watch*> watches;
  std::atomic<size_t> size{0};
  std::atomic<uint64_t> closed{0};
};

/// Never destroyed: ports may outlive every static object.
watch_list& list() noexcept {
  static auto& result = *new watch_list;
  return result;
}

} // namespace

uint64_t closed_handles() noexcept {
  return list().closed.load();
}

void handle_was_closed() noexcept {
  auto& all = list();
  all.closed.fetch_add(1);
  if (all.size.load() == 0)
    return;
  std::lock_guard guard{all.mutex};
  for (auto* watch : all.watches)
    watch->call_();
}

closed_handle_watch::closed_handle_watch(std::function<void()> call) : call_(std::move(call)) {}

closed_handle_watch::~closed_handle_watch() {
  watch(false);
}

bool closed_handle_watch::watch(bool on) {
  if (on == std::exchange(watching_, on))
    return false;
  auto& all = list();
  std::lock_guard guard{all.mutex};
  if (on)
    all.watches.push_back(this);
  else
    all.watches.erase(std::find(all.watches.begin(), all.watches.end(), this));
  all.size.store(all.watches.size());
  return on;
}

} // namespace pipeactor::port
