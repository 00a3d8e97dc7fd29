#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <utility>

namespace pipehub {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;

class deadlines;

/// A point in time at which something happens. It leaves its list when it is destroyed.
class deadline {
public:
  explicit deadline(std::function<void(time_point now)> action) : action_(std::move(action)) {}
  deadline(const deadline&) = delete;
  deadline& operator=(const deadline&) = delete;

  ~deadline() {
    clear();
  }

  /// Sets or moves it.
  void set(deadlines& list, time_point at);

  void clear();

  bool is_set() const noexcept {
    return list_ != nullptr;
  }

  /// Returns the time, if it is set.
  std::optional<time_point> time() const noexcept {
    return is_set() ? std::optional{at_} : std::nullopt;
  }

private:
  friend class deadlines;

  deadlines* list_ = nullptr;
  time_point at_{};
  std::function<void(time_point now)> action_;
};

/// The deadlines of a hub, by time. Must outlive them.
class deadlines {
public:
  /// Returns when the first one is.
  std::optional<time_point> first() const {
    return entries_.empty() ? std::nullopt : std::optional<time_point>{entries_.begin()->first};
  }

  /// Runs the actions of all that have come. An action may set and destroy deadlines, its own too.
  void run(time_point now) {
    while (!entries_.empty() && entries_.begin()->first <= now) {
      auto* next = entries_.begin()->second;
      next->clear();
      // The action may destroy its deadline, and so itself.
      auto action = next->action_;
      action(now);
    }
  }

private:
  friend class deadline;

  std::set<std::pair<time_point, deadline*>> entries_;
};

inline void deadline::set(deadlines& list, time_point at) {
  clear();
  list_ = &list;
  at_ = at;
  list.entries_.emplace(at, this);
}

inline void deadline::clear() {
  if (list_ != nullptr)
    list_->entries_.erase({at_, this});
  list_ = nullptr;
}

} // namespace pipehub
