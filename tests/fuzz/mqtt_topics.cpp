// Topic filters and topics: the tree of subscriptions finds the filters that match, as a slow and
// plain matcher does.

#include "codec/topic_rules.hpp"
#include "codec/utf8.hpp"
#include "fuzz.hpp"
#include "topics/subscription_tree.hpp"

#include <set>
#include <string>
#include <vector>

using namespace pipehub;

namespace {

std::vector<std::string> levels_of(std::string_view text) {
  std::vector<std::string> result{""};
  for (auto c : text)
    if (c == '/')
      result.emplace_back();
    else
      result.back() += c;
  return result;
}

/// 4.7 of the standard, word by word.
bool matches(std::string_view filter, std::string_view topic) {
  if (topic.front() == '$' && (filter.front() == '#' || filter.front() == '+'))
    return false;
  auto wanted = levels_of(filter);
  auto given = levels_of(topic);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "#")
      return true;
    if (i == given.size())
      return false;
    if (wanted[i] != "+" && wanted[i] != given[i])
      return false;
    // "a/#" matches "a", too.
    if (i + 1 == given.size() && i + 2 == wanted.size() && wanted[i + 1] == "#")
      return true;
  }
  return wanted.size() == given.size();
}

/// Returns text of few pieces, so that many filters match, or nearly.
std::string pieces(std::string_view bytes) {
  static constexpr std::string_view all[] = {"a",  "b",   "/",         "/", "+",     "#",
                                             "/#", "/+/", "$share/g/", "$", "\u00e9"};
  std::string result;
  for (auto byte : bytes)
    result += all[static_cast<uint8_t>(byte) % std::size(all)];
  return result;
}

bool is_usable(std::string_view text) {
  return !text.empty() && mqtt::check_utf8(text) == mqtt::utf8_fault::none
         && count_levels(text) <= most_levels;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::input in{data, size};
  subscription_tree<size_t> tree;
  std::vector<std::string> filters;
  std::set<size_t> gone;
  while (!in.empty() && filters.size() < 40) {
    auto text = pieces(in.text(in.byte() % 8));
    if (text.empty())
      break;
    auto shared = text.rfind("$share/", 0) == 0;
    if (!is_usable(text) || (shared ? mqtt::check_shared(text) : mqtt::check_filter(text)))
      continue;
    fuzz::require(tree.subscribe(text, filters.size(), {}), "a subscription is new");
    fuzz::require(!tree.subscribe(text, filters.size(), {}), "a second one replaces the first");
    filters.emplace_back(text);
  }
  for (size_t i = 0; i < filters.size(); i += 3) {
    fuzz::require(tree.unsubscribe(filters[i], i), "a subscription ends");
    fuzz::require(!tree.unsubscribe(filters[i], i), "a subscription ends once");
    gone.insert(i);
  }
  fuzz::require(tree.size() == filters.size() - gone.size(), "the tree counts its subscriptions");
  auto topic = pieces(in.text(8));
  if (is_usable(topic) && !mqtt::has_wildcard(topic)) {
    std::multiset<size_t> found;
    tree.match(
      topic, [&](const auto& x) { found.insert(x.subscriber); },
      [&](const auto& group) {
        for (auto& member : group.members)
          found.insert(member.subscriber);
      });
    std::multiset<size_t> expected;
    for (size_t i = 0; i < filters.size(); ++i)
      if (gone.count(i) == 0 && matches(mqtt::split_shared(filters[i]).filter, topic))
        expected.insert(i);
    fuzz::require(found == expected, "those filters are found that match");
  }
  for (size_t i = 0; i < filters.size(); ++i)
    if (gone.count(i) == 0)
      fuzz::require(tree.unsubscribe(filters[i], i), "each subscription can be ended");
  fuzz::require(tree.size() == 0, "the tree is empty at the end");
  return 0;
}
