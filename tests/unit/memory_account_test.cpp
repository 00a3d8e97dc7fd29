#include "actors/memory_account.hpp"

#include <catch2/catch.hpp>

#include <caf/make_counted.hpp>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

using pipeactor::detail::memory_account;

namespace {

constexpr auto step = memory_account::step;

/// Counts how often it was called.
class counting_waiter final : public pipeactor::detail::memory_waiter {
public:
  void memory_released() noexcept override {
    ++calls;
  }

  int calls = 0;
};

} // namespace

TEST_CASE("memory_account counts each queue in whole steps") {
  memory_account account{100 * step};
  CHECK(account.bytes() == 0);
  account.moved(0, step - 1);
  CHECK(account.bytes() == 0);
  account.moved(step - 1, step);
  CHECK(account.bytes() == step);
  account.moved(step, 3 * step + 1);
  CHECK(account.bytes() == 3 * step);
  // Another queue, too short to be counted.
  account.moved(0, step - 1);
  CHECK(account.bytes() == 3 * step);
  account.moved(3 * step + 1, 0);
  CHECK(account.bytes() == 0);
}

TEST_CASE("memory_account is exhausted at its limit, and no longer below it") {
  memory_account account{2 * step};
  CHECK(account.limit() == 2 * step);
  account.moved(0, 2 * step - 1);
  CHECK_FALSE(account.exhausted());
  account.moved(2 * step - 1, 2 * step);
  CHECK(account.exhausted());
  account.moved(2 * step, 10 * step);
  CHECK(account.exhausted());
  account.moved(10 * step, 2 * step - 1);
  CHECK_FALSE(account.exhausted());
}

TEST_CASE("memory_account with a limit of 0 is always exhausted") {
  memory_account account{0};
  CHECK(account.exhausted());
}

TEST_CASE("memory_account calls all that wait, once, when memory is free again") {
  memory_account account{2 * step};
  std::vector<caf::intrusive_ptr<counting_waiter>> waiters;
  for (int i = 0; i < 3; ++i)
    waiters.push_back(caf::make_counted<counting_waiter>());
  for (int round = 1; round <= 3; ++round) {
    account.moved(0, 3 * step);
    for (auto& waiter : waiters)
      CHECK(account.wait(waiter));
    account.moved(3 * step, 2 * step);
    for (auto& waiter : waiters)
      CHECK(waiter->calls == round - 1);
    account.moved(2 * step, 0);
    account.moved(0, step);
    account.moved(step, 0);
    for (auto& waiter : waiters)
      CHECK(waiter->calls == round);
  }
}

TEST_CASE("memory_account says so if memory is free when somebody is to wait") {
  memory_account account{2 * step};
  CHECK_FALSE(account.wait(caf::make_counted<counting_waiter>()));
  account.moved(0, 2 * step);
  CHECK(account.wait(caf::make_counted<counting_waiter>()));
  account.moved(2 * step, 0);
  CHECK_FALSE(account.wait(caf::make_counted<counting_waiter>()));
}

TEST_CASE("memory_account counts queues of many threads, and nothing when all are empty") {
  constexpr size_t threads = 4;
  constexpr size_t longest = 10 * step;
  memory_account account{threads * longest};
  std::atomic<bool> wrong{false};
  std::vector<std::thread> queues;
  for (unsigned seed = 1; seed <= threads; ++seed)
    queues.emplace_back([&, seed] {
      std::minstd_rand random{seed};
      size_t level = 0;
      for (int i = 0; i < 20'000; ++i) {
        auto next = random() % (longest + 1);
        account.moved(level, next);
        level = next;
        // At least this queue, at most all of them.
        auto bytes = account.bytes();
        if (bytes < level / step * step || bytes > threads * longest)
          wrong = true;
      }
      account.moved(level, 0);
    });
  for (auto& queue : queues)
    queue.join();
  CHECK_FALSE(wrong);
  CHECK(account.bytes() == 0);
}
