#include "topics/subscription_tree.hpp"
#include "topics/topic_tree.hpp"

#include "codec/topic_rules.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace pipehub;

namespace {

// -- the rules of 4.7, said as plainly as possible --------------------------------------------

std::vector<std::string> split(const std::string& topic) {
  std::vector<std::string> result{""};
  for (auto c : topic)
    if (c == '/')
      result.emplace_back();
    else
      result.back() += c;
  return result;
}

bool matches(const std::vector<std::string>& filter, const std::vector<std::string>& topic,
             size_t at = 0) {
  if (at < filter.size() && filter[at] == "#")
    return true;
  if (at == filter.size() || at == topic.size())
    return at == filter.size() && at == topic.size();
  return (filter[at] == "+" || filter[at] == topic[at]) && matches(filter, topic, at + 1);
}

bool matches(const std::string& filter, const std::string& topic) {
  if (topic.front() == '$' && (filter.front() == '+' || filter.front() == '#'))
    return false;
  auto levels = split(filter);
  auto names = split(topic);
  // The parent level: "a/#" matches "a".
  if (levels.size() == names.size() + 1 && levels.back() == "#") {
    levels.pop_back();
    return matches(levels, names);
  }
  return matches(levels, names);
}

// -- random topics ----------------------------------------------------------------------------

struct dice {
  std::mt19937 random;

  size_t roll(size_t sides) {
    return random() % sides;
  }

  std::string topic() {
    static const char* const levels[] = {"a", "b", "", "$x", "c"};
    std::string result;
    do {
      result.clear();
      for (size_t index = 0, count = 1 + roll(4); index < count; ++index)
        result += (index == 0 ? "" : "/") + std::string{levels[roll(5)]};
    } while (result.empty());
    return result;
  }

  std::string filter() {
    auto result = topic();
    auto levels = split(result);
    result.clear();
    for (auto& level : levels)
      result += (roll(3) == 0 ? "+" : level) + "/";
    result.pop_back();
    if (roll(4) == 0)
      result += "/#";
    if (roll(20) == 0)
      result = "#";
    return result.empty() ? "+" : result;
  }
};

using tree = subscription_tree<int>;

std::multiset<int> matching(tree& from, const std::string& topic) {
  std::multiset<int> result;
  from.match(
    topic, [&](const tree::entry& x) { result.insert(x.subscriber); },
    [&](tree::share& x) { result.insert(1000 + static_cast<int>(x.members.size())); });
  return result;
}

} // namespace

TEST_CASE("3.1.1 MQTT-4.7.1-1 and 5.0 MQTT-4.7.0-1: wildcards are those of filters", "[topics]") {
  tree subscriptions;
  subscriptions.subscribe("sport/tennis/player1/#", 1, {});
  subscriptions.subscribe("sport/tennis/+", 2, {});
  subscriptions.subscribe("sport/+", 3, {});
  subscriptions.subscribe("+/+", 4, {});
  subscriptions.subscribe("/+", 5, {});
  subscriptions.subscribe("+", 6, {});
  subscriptions.subscribe("#", 7, {});
  // The examples of the standard.
  CHECK(matching(subscriptions, "sport/tennis/player1") == std::multiset<int>{1, 2, 7});
  CHECK(matching(subscriptions, "sport/tennis/player1/ranking") == std::multiset<int>{1, 7});
  CHECK(matching(subscriptions, "sport/tennis/player2") == std::multiset<int>{2, 7});
  CHECK(matching(subscriptions, "sport/") == std::multiset<int>{3, 4, 7});
  CHECK(matching(subscriptions, "sport") == std::multiset<int>{6, 7});
  CHECK(matching(subscriptions, "/finance") == std::multiset<int>{4, 5, 7});
}

// Proves too: 5.0 MQTT-4.7.2-1.
TEST_CASE("3.1.1 MQTT-4.7.2-1: wildcards do not match $ at the beginning", "[topics]") {
  tree subscriptions;
  subscriptions.subscribe("#", 1, {});
  subscriptions.subscribe("+/monitor/Clients", 2, {});
  subscriptions.subscribe("$SYS/#", 3, {});
  subscriptions.subscribe("$SYS/monitor/+", 4, {});
  CHECK(matching(subscriptions, "$SYS/monitor/Clients") == std::multiset<int>{3, 4});
  CHECK(matching(subscriptions, "a/$SYS") == std::multiset<int>{1});
}

// Proves too: 5.0 MQTT-4.7.3-4.
TEST_CASE("3.1.1 MQTT-4.7.3-4: topics are compared byte by byte", "[topics]") {
  tree subscriptions;
  subscriptions.subscribe("ACCOUNTS", 1, {});
  subscriptions.subscribe("Accounts payable", 2, {});
  subscriptions.subscribe("\xC3\xA4", 3, {});
  CHECK(matching(subscriptions, "accounts").empty());
  CHECK(matching(subscriptions, "Accounts payable") == std::multiset<int>{2});
  // The same letter of two characters.
  CHECK(matching(subscriptions, "a\xCC\x88").empty());
  CHECK(matching(subscriptions, "/ACCOUNTS").empty());
}

// Proves too: 5.0 MQTT-3.8.4-3.
TEST_CASE("3.1.1 MQTT-3.8.4-3: the same filter again replaces a subscription", "[topics]") {
  tree subscriptions;
  subscription_options options;
  CHECK(subscriptions.subscribe("a/b", 1, options));
  options.qos = 2;
  CHECK_FALSE(subscriptions.subscribe("a/b", 1, options));
  CHECK(subscriptions.size() == 1);
  subscriptions.match(
    "a/b", [](const tree::entry& x) { CHECK(x.options.qos == 2); }, [](tree::share&) { FAIL(); });
}

TEST_CASE("5.0 MQTT-4.8.2-4: members of a share, and other subscriptions, do not mix", "[topics]") {
  tree subscriptions;
  CHECK(subscriptions.subscribe("$share/g/a/+", 1, {}));
  CHECK(subscriptions.subscribe("$share/g/a/+", 2, {}));
  CHECK(subscriptions.subscribe("$share/other/a/+", 1, {}));
  CHECK(subscriptions.subscribe("a/+", 1, {}));
  CHECK(matching(subscriptions, "a/b") == std::multiset<int>{1, 1001, 1002});
  CHECK(subscriptions.unsubscribe("$share/g/a/+", 1));
  CHECK_FALSE(subscriptions.unsubscribe("$share/g/a/+", 1));
  CHECK(matching(subscriptions, "a/b") == std::multiset<int>{1, 1001, 1001});
  CHECK(subscriptions.unsubscribe("$share/g/a/+", 2));
  CHECK(subscriptions.unsubscribe("$share/other/a/+", 1));
  CHECK(subscriptions.unsubscribe("a/+", 1));
  CHECK(subscriptions.size() == 0);
}

TEST_CASE("Subscriptions match as the rules say, for random filters and topics", "[topics]") {
  dice chance{std::mt19937{4}};
  tree subscriptions;
  std::set<std::pair<std::string, int>> expected;
  for (size_t round = 0; round < 4000; ++round) {
    auto filter = chance.filter();
    auto who = static_cast<int>(chance.roll(5));
    REQUIRE_FALSE(mqtt::check_filter(filter));
    if (chance.roll(3) != 0)
      REQUIRE(subscriptions.subscribe(filter, who, {}) == expected.emplace(filter, who).second);
    else
      REQUIRE(subscriptions.unsubscribe(filter, who) == (expected.erase({filter, who}) == 1));
    REQUIRE(subscriptions.size() == expected.size());
    auto topic = chance.topic();
    std::multiset<int> matched;
    for (auto& [pattern, subscriber] : expected)
      if (matches(pattern, topic))
        matched.insert(subscriber);
    INFO("topic " << topic);
    REQUIRE(matching(subscriptions, topic) == matched);
  }
  for (auto& [filter, who] : std::set<std::pair<std::string, int>>{expected})
    REQUIRE(subscriptions.unsubscribe(filter, who));
  CHECK(subscriptions.size() == 0);
}

TEST_CASE("Retained values match as the rules say, for random filters and topics", "[topics]") {
  dice chance{std::mt19937{5}};
  topic_tree<const std::string*> values;
  std::map<std::string, int> expected;
  std::set<std::string> names;
  for (size_t round = 0; round < 4000; ++round) {
    auto topic = chance.topic();
    auto* name = &*names.insert(topic).first;
    if (chance.roll(3) != 0) {
      values.set(topic, name);
      expected[topic] = 1;
    } else {
      values.set(topic, nullptr);
      expected.erase(topic);
    }
    REQUIRE(values.size() == expected.size());
    auto filter = chance.filter();
    std::multiset<std::string> found;
    values.match(filter, [&](const std::string* x) { found.insert(*x); });
    std::multiset<std::string> matched;
    for (auto& entry : expected)
      if (matches(filter, entry.first))
        matched.insert(entry.first);
    INFO("filter " << filter);
    REQUIRE(found == matched);
  }
}

TEST_CASE("A hundred thousand topics and ten thousand filters of one subscriber", "[topics]") {
  tree subscriptions;
  for (int index = 0; index < 10000; ++index)
    subscriptions.subscribe("device/" + std::to_string(index) + "/+", index, {});
  topic_tree<const int*> values;
  static const int value = 1;
  size_t matched = 0;
  for (int index = 0; index < 100000; ++index) {
    auto topic = "device/" + std::to_string(index) + "/state";
    matched += matching(subscriptions, topic).size();
    values.set(topic, &value);
  }
  CHECK(matched == 10000);
  size_t found = 0;
  values.match("device/+/state", [&](const int*) { ++found; });
  CHECK(found == 100000);
}

TEST_CASE("The levels of a topic", "[topics]") {
  CHECK(count_levels("a") == 1);
  CHECK(count_levels("/") == 2);
  CHECK(count_levels("a/b/c") == 3);
}
