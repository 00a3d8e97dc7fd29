#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace pipehub {

/// Topics and topic filters with more levels are refused: trees of topics stay shallow, so that
/// walking down one needs little stack.
constexpr size_t most_levels = 200;

/// Returns the number of levels.
inline size_t count_levels(std::string_view topic) {
  return 1 + static_cast<size_t>(std::count(topic.begin(), topic.end(), '/'));
}

/// Walks over the levels of a topic or topic filter.
class level_walk {
public:
  explicit level_walk(std::string_view topic) : rest_(topic) {}

  /// Returns the level that it stands on.
  std::string_view level() const {
    return rest_.substr(0, rest_.find('/'));
  }

  bool is_last() const {
    return rest_.find('/') == rest_.npos;
  }

  /// Returns a walk that stands on the next level. Not on the last one.
  level_walk next() const {
    return level_walk{rest_.substr(rest_.find('/') + 1)};
  }

private:
  std::string_view rest_;
};

/// Returns whether a topic is one of the server's own, which wildcards at the beginning of a filter
/// do not match (MQTT-4.7.2-1).
inline bool is_special(std::string_view topic) {
  return !topic.empty() && topic.front() == '$';
}

/// Returns whether only the hub itself publishes to a topic.
inline bool is_reserved(std::string_view topic) {
  auto begins_with = [topic](std::string_view prefix) {
    return topic.substr(0, prefix.size()) == prefix;
  };
  return begins_with("$SYS/") || begins_with("$hub/") || begins_with("$share/");
}

} // namespace pipehub
