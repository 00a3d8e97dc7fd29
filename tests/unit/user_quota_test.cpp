#include "actors/user_quota.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace pipeactor;
using namespace pipeactor::detail;

namespace {

peer_identity user(int64_t uid) {
  peer_identity result;
  result.uid = uid;
  return result;
}

peer_identity windows_user(const std::string& sid) {
  peer_identity result;
  result.sid = sid;
  return result;
}

} // namespace

TEST_CASE("user_quota gives each user so many tickets, and takes them back") {
  auto quota = std::make_shared<user_quota>(2);
  for (int round = 0; round < 3; ++round)
    for (auto& who : {user(1), user(2), user(-1), windows_user("S-1-1"), windows_user("S-1-2")}) {
      auto first = quota->take(who);
      auto second = quota->take(who);
      CHECK(first);
      CHECK(second);
      CHECK_FALSE(quota->take(who));
      second.reset();
      user_quota::ticket moved{std::move(*first)};
      first.reset();
      auto third = quota->take(who);
      CHECK(third);
      CHECK_FALSE(quota->take(who));
      moved = {};
      CHECK(quota->take(who));
    }
}

TEST_CASE("a ticket may outlive its user_quota's server") {
  auto quota = std::make_shared<user_quota>(1);
  auto ticket = quota->take(user(1));
  std::weak_ptr<user_quota> seen = quota;
  quota = nullptr;
  CHECK_FALSE(seen.expired());
  ticket.reset();
  CHECK(seen.expired());
}

TEST_CASE("user_quota keeps its bound, whichever threads take and give back") {
  constexpr int most = 3;
  auto quota = std::make_shared<user_quota>(most);
  std::atomic<int> held{0};
  std::atomic<int> too_many{0};
  std::atomic<int> successes{0};
  std::vector<std::thread> threads;
  for (int index = 0; index < 4; ++index)
    threads.emplace_back([&] {
      for (int round = 0; round < 10'000; ++round) {
        auto ticket = quota->take(user(1));
        if (!ticket)
          continue;
        ++successes;
        if (held.fetch_add(1) >= most)
          ++too_many;
        held.fetch_sub(1);
      }
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(too_many == 0);
  CHECK(successes > 0);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::optional<user_quota::ticket>> tickets;
    for (int count = 0; count < most; ++count)
      tickets.push_back(quota->take(user(1)));
    for (auto& ticket : tickets)
      CHECK(ticket);
    CHECK_FALSE(quota->take(user(1)));
  }
}
