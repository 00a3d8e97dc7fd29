#pragma once

#include "codec/topic_rules.hpp"
#include "topics/level_map.hpp"
#include "topics/levels.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pipehub {

/// What a subscriber asked for with a subscription (3.8.3.1).
struct subscription_options {
  uint8_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  uint8_t retain_handling = 0;
  /// Subscription Identifier; 0: none.
  uint32_t identifier = 0;
};

/// The subscriptions of all clients, by topic filter. Filters have at most `most_levels` levels.
/// @tparam Subscriber a cheap key, e.g. a pointer
template <class Subscriber>
class subscription_tree {
public:
  struct entry {
    Subscriber subscriber;
    subscription_options options;
  };

  /// The members of a shared subscription: each message goes to one of them.
  struct share {
    std::vector<entry> members;
    /// For those that choose a member: whose turn it is.
    size_t turn = 0;
  };

  /// Adds or replaces a subscription (MQTT-3.8.4-3).
  /// @param filter a checked filter, also a shared one
  /// @returns whether it is new
  bool subscribe(std::string_view filter, Subscriber who, const subscription_options& options) {
    auto parts = mqtt::split_shared(filter);
    auto* at = &root_;
    for (level_walk walk{parts.filter};; walk = walk.next()) {
      at = &at->children.find_or_add(walk.level());
      if (walk.is_last())
        break;
    }
    auto& list = parts.share_name.empty() ? at->entries
                                          : at->shares[std::string{parts.share_name}].members;
    auto found = find(list, who);
    if (found != list.end()) {
      found->options = options;
      return false;
    }
    list.push_back({who, options});
    ++size_;
    return true;
  }

  /// Removes a subscription.
  /// @returns whether there was one
  bool unsubscribe(std::string_view filter, Subscriber who) {
    auto parts = mqtt::split_shared(filter);
    auto removed = remove(root_, level_walk{parts.filter}, parts.share_name, who);
    size_ -= removed ? 1 : 0;
    return removed;
  }

  /// Calls `on_entry(const entry&)` with each subscription that matches a topic, and
  /// `on_share(share&)` with each shared one (4.7). A subscriber comes once per subscription.
  template <class OnEntry, class OnShare>
  void match(std::string_view topic, OnEntry on_entry, OnShare on_share) {
    matching<OnEntry, OnShare> visit{on_entry, on_share};
    visit.walk(root_, level_walk{topic}, !is_special(topic));
  }

  size_t size() const {
    return size_;
  }

private:
  struct node {
    level_map<node> children;
    std::vector<entry> entries;
    std::map<std::string, share, std::less<>> shares;

    bool empty() const {
      return children.empty() && entries.empty() && shares.empty();
    }
  };

  template <class OnEntry, class OnShare>
  struct matching {
    OnEntry& on_entry;
    OnShare& on_share;

    void take(node& at) {
      for (auto& next : at.entries)
        on_entry(next);
      for (auto& [name, group] : at.shares)
        on_share(group);
    }

    void walk(node& at, level_walk walk_, bool wildcards) {
      if (auto* rest = wildcards ? at.children.find("#") : nullptr)
        take(*rest);
      step(at.children.find(walk_.level()), walk_);
      if (wildcards)
        step(at.children.find("+"), walk_);
    }

    void step(node* next, level_walk walk_) {
      if (next == nullptr)
        return;
      if (!walk_.is_last())
        return walk(*next, walk_.next(), true);
      take(*next);
      // "a/#" matches "a", too (4.7.1.2).
      if (auto* rest = next->children.find("#"))
        take(*rest);
    }
  };

  static auto find(std::vector<entry>& list, Subscriber who) {
    return std::find_if(list.begin(), list.end(),
                        [&](const entry& x) { return x.subscriber == who; });
  }

  bool remove(node& at, level_walk walk, std::string_view share_name, Subscriber who) {
    auto* next = at.children.find(walk.level());
    if (next == nullptr)
      return false;
    auto removed = walk.is_last() ? remove_here(*next, share_name, who)
                                  : remove(*next, walk.next(), share_name, who);
    if (removed && next->empty())
      at.children.erase(walk.level());
    return removed;
  }

  bool remove_here(node& at, std::string_view share_name, Subscriber who) {
    if (share_name.empty())
      return remove_from(at.entries, who);
    auto group = at.shares.find(share_name);
    if (group == at.shares.end() || !remove_from(group->second.members, who))
      return false;
    if (group->second.members.empty())
      at.shares.erase(group);
    return true;
  }

  bool remove_from(std::vector<entry>& list, Subscriber who) {
    auto found = find(list, who);
    if (found == list.end())
      return false;
    list.erase(found);
    return true;
  }

  node root_;
  size_t size_ = 0;
};

} // namespace pipehub
