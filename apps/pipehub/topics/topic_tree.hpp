#pragma once

#include "topics/level_map.hpp"
#include "topics/levels.hpp"

#include <string_view>
#include <utility>

namespace pipehub {

/// One value for each topic, e.g. its retained message. Topics have at most `most_levels` levels.
/// @tparam T a pointer or the like: its default value stands for no value
template <class T>
class topic_tree {
public:
  /// Sets the value of a topic; T{} removes it.
  /// @returns the value that it had
  T set(std::string_view topic, T value) {
    if (!value) {
      auto removed = remove(root_, level_walk{topic});
      size_ -= removed ? 1 : 0;
      return removed;
    }
    auto* at = &root_;
    for (level_walk walk{topic};; walk = walk.next()) {
      at = &at->children.find_or_add(walk.level());
      if (walk.is_last())
        break;
    }
    size_ += at->value ? 0 : 1;
    return std::exchange(at->value, std::move(value));
  }

  /// Calls `f(const T&)` with the value of each topic that a filter matches (4.7), in no order.
  template <class F>
  void match(std::string_view filter, F f) const {
    visit(root_, level_walk{filter}, true, f);
  }

  /// Returns the number of values.
  size_t size() const {
    return size_;
  }

private:
  struct node {
    level_map<node> children;
    T value{};
  };

  static T remove(node& at, level_walk walk) {
    auto* next = at.children.find(walk.level());
    if (next == nullptr)
      return T{};
    auto removed = walk.is_last() ? std::exchange(next->value, T{}) : remove(*next, walk.next());
    if (removed && next->children.empty() && !next->value)
      at.children.erase(walk.level());
    return removed;
  }

  template <class F>
  static void visit(const node& at, level_walk walk, bool is_first, F& f) {
    auto level = walk.level();
    if (level == "#")
      return visit_all(at, is_first, f);
    if (level != "+") {
      if (auto* next = at.children.find(level))
        visit_child(*next, walk, f);
      return;
    }
    at.children.for_each([&](std::string_view name, const node& next) {
      if (!is_first || !is_special(name))
        visit_child(next, walk, f);
    });
  }

  template <class F>
  static void visit_child(const node& next, level_walk walk, F& f) {
    if (!walk.is_last()) {
      // "a/#" matches "a", too (4.7.1.2).
      auto rest = walk.next();
      if (rest.level() == "#" && next.value)
        f(next.value);
      return visit(next, rest, false, f);
    }
    if (next.value)
      f(next.value);
  }

  template <class F>
  static void visit_all(const node& at, bool is_first, F& f) {
    at.children.for_each([&](std::string_view name, const node& next) {
      if (is_first && is_special(name))
        return;
      if (next.value)
        f(next.value);
      visit_all(next, false, f);
    });
  }

  node root_;
  size_t size_ = 0;
};

} // namespace pipehub
