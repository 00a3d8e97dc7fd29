#pragma once

#include "session/message.hpp"

#include <cstdint>
#include <unordered_map>

namespace pipehub {

/// The numbers of the messages in a state file. All who have a message there share one row.
class message_numbers {
public:
  /// The outcome of `take` and `release`.
  struct result {
    uint64_t number = 0;
    /// Whether the message comes into the file, or leaves it.
    bool changes_file = false;
  };

  /// Counts another use.
  result take(const message_ptr& content) {
    auto [found, is_new] = entries_.try_emplace(content.get());
    if (is_new)
      found->second.number = ++last_;
    ++found->second.uses;
    return {found->second.number, is_new};
  }

  /// Counts one use less.
  /// @param content was taken
  result release(const message_ptr& content) {
    auto found = entries_.find(content.get());
    result released{found->second.number, --found->second.uses == 0};
    if (released.changes_file)
      entries_.erase(found);
    return released;
  }

  /// Counts a use of a message of the file.
  void restore(const message_ptr& content, uint64_t number) {
    auto& found = entries_[content.get()];
    found.number = number;
    ++found.uses;
  }

  /// New messages get higher numbers than this one.
  void begin_after(uint64_t number) {
    last_ = number > last_ ? number : last_;
  }

private:
  struct entry {
    uint64_t number = 0;
    size_t uses = 0;
  };

  std::unordered_map<const message*, entry> entries_;
  uint64_t last_ = 0;
};

} // namespace pipehub
