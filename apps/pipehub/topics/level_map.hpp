#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pipehub {

/// The children of a node of a tree of topics, by level.
template <class Node>
class level_map {
public:
  Node* find(std::string_view level) const {
    auto found = children_.find(level);
    return found != children_.end() ? &found->second->node : nullptr;
  }

  Node& find_or_add(std::string_view level) {
    if (auto* found = find(level))
      return *found;
    auto added = std::make_unique<child>();
    added->level = level;
    auto& result = added->node;
    // The key is a view of the child's own string, which does not move.
    auto key = std::string_view{added->level};
    children_.emplace(key, std::move(added));
    return result;
  }

  void erase(std::string_view level) {
    // The key's string goes with the child: look the child up first.
    if (auto found = children_.find(level); found != children_.end()) {
      auto removed = std::move(found->second);
      children_.erase(found);
    }
  }

  bool empty() const {
    return children_.empty();
  }

  /// Calls `f` with each level and its node, in no order.
  template <class F>
  void for_each(F f) const {
    for (auto& [level, entry] : children_)
      f(level, entry->node);
  }

private:
  struct child {
    std::string level;
    Node node;
  };

  std::unordered_map<std::string_view, std::unique_ptr<child>> children_;
};

} // namespace pipehub
