#include "actors/read_account.hpp"

#include <catch2/catch.hpp>

#include <caf/all.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace pipeactor;
using namespace pipeactor::detail;
using namespace std::chrono_literals;

namespace {

constexpr auto step = memory_account::step;
constexpr auto patience = 30s;

/// An account, and in place of its connection's actor this thread.
class owned_account {
public:
  owned_account(size_t bytes, size_t messages, memory_account_ptr memory = enough_memory())
      : account(caf::make_counted<read_account>(bytes, messages, memory)),
        memory(std::move(memory)) {
    account->owner(caf::actor_cast<caf::weak_actor_ptr>(self_));
  }

  /// Returns a message of `size` bytes as a port makes it.
  payload receive(size_t size) {
    std::string bytes(size, 'x');
    return payload{copy_received(bytes.data(), bytes.size(), account.get())};
  }

  /// Returns whether the connection was woken since the last call.
  bool was_woken() {
    auto result = self_->has_next_message();
    if (result)
      wait_until_woken();
    return result;
  }

  bool wait_until_woken() {
    auto result = false;
    self_->receive([&](const resume_reading&) { result = true; }, caf::after(patience) >> [] {});
    return result;
  }

  static memory_account_ptr enough_memory() {
    return caf::make_counted<memory_account>(size_t{1} << 30);
  }

private:
  caf::actor_system_config config_;
  caf::actor_system system_{config_};
  caf::scoped_actor self_{system_};

public:
  caf::intrusive_ptr<read_account> account;
  memory_account_ptr memory;
};

} // namespace

TEST_CASE("read_account counts the payloads that somebody holds") {
  owned_account x{1'000'000, 1000};
  {
    auto first = x.receive(10'000);
    auto copy = first;
    auto second = x.receive(0);
    CHECK(x.account->bytes() == 10'000);
    CHECK(x.account->messages() == 2);
    CHECK(x.memory->bytes() == 10'000 / step * step);
    first = {};
    CHECK(x.account->messages() == 2);
    copy = {};
    CHECK(x.account->bytes() == 0);
    CHECK(x.account->messages() == 1);
  }
  CHECK(x.account->messages() == 0);
  CHECK(x.memory->bytes() == 0);
}

TEST_CASE("read_account takes many short messages for memory, and gives it back") {
  owned_account x{1'000'000, 10'000};
  std::deque<payload> held;
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 1; i <= 1000; ++i) {
      held.push_back(x.receive(100));
      CHECK(x.memory->bytes() == 100 * i / step * step);
    }
    for (size_t left = 1000; left-- > 0;) {
      held.pop_front();
      CHECK(x.memory->bytes() == 100 * left / step * step);
    }
  }
}

TEST_CASE("read_account pauses above its messages, and wakes its connection at half of them") {
  owned_account x{1'000'000, 4};
  std::deque<payload> held;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) {
      held.push_back(x.receive(1));
      CHECK_FALSE(x.account->must_pause());
    }
    held.push_back(x.receive(1));
    CHECK(x.account->must_pause());
    held.pop_front();
    held.pop_front();
    CHECK_FALSE(x.was_woken());
    held.pop_front();
    CHECK(x.was_woken());
    held.clear();
    CHECK_FALSE(x.was_woken());
  }
}

TEST_CASE("read_account pauses above its bytes, and wakes its connection at half of them") {
  owned_account x{1000, 1000};
  std::deque<payload> held;
  for (int round = 0; round < 3; ++round) {
    held.push_back(x.receive(500));
    held.push_back(x.receive(500));
    CHECK_FALSE(x.account->must_pause());
    held.push_back(x.receive(1));
    CHECK(x.account->must_pause());
    CHECK(x.account->must_pause());
    held.pop_front();
    CHECK_FALSE(x.was_woken());
    held.pop_back();
    CHECK(x.was_woken());
    CHECK_FALSE(x.account->must_pause());
    held.clear();
    CHECK_FALSE(x.was_woken());
  }
}

TEST_CASE("read_account wakes no connection that it did not pause") {
  owned_account x{1000, 4};
  std::vector<payload> held;
  for (int i = 0; i < 10; ++i)
    held.push_back(x.receive(500));
  held.clear();
  CHECK_FALSE(x.was_woken());
}

TEST_CASE("read_account pauses with the first message while memory is exhausted") {
  auto memory = caf::make_counted<memory_account>(2 * step);
  owned_account x{1'000'000, 1000, memory};
  CHECK_FALSE(x.account->must_pause());
  auto message = x.receive(1);
  CHECK_FALSE(x.account->must_pause());
  // Somebody else's queue.
  memory->moved(0, 2 * step);
  CHECK(x.account->must_pause());
  message = {};
  CHECK(x.was_woken());
  // A connection that holds nothing may read, or nobody would.
  CHECK_FALSE(x.account->must_pause());
  memory->moved(2 * step, 0);
}

TEST_CASE("read_account waits for memory once, however many messages are released meanwhile") {
  auto memory = caf::make_counted<memory_account>(2 * step);
  owned_account x{1'000'000, 1'000'000, memory};
  for (int round = 0; round < 3; ++round) {
    std::deque<payload> held;
    for (int i = 0; i < 100; ++i)
      held.push_back(x.receive(1));
    memory->moved(0, 2 * step);
    CHECK(x.account->must_pause());
    // Each payload holds the account, and so does its entry among those that wait.
    auto references = x.account->get_reference_count();
    for (size_t left = 100; left > 1; --left) {
      held.pop_back();
      CHECK(x.account->get_reference_count() == --references);
    }
    CHECK_FALSE(x.was_woken());
    memory->moved(2 * step, 0);
    CHECK(x.was_woken());
    CHECK(x.account->get_reference_count() == references - 1);
  }
}

TEST_CASE("read_account outlives its connection, and its payloads outlive both") {
  auto memory = owned_account::enough_memory();
  payload kept;
  {
    owned_account x{1'000'000, 1, memory};
    kept = x.receive(2 * step);
    auto other = x.receive(1);
    CHECK(x.account->must_pause());
  }
  CHECK(memory->bytes() == 2 * step);
  kept = {};
  CHECK(memory->bytes() == 0);
}

// -- threads --------------------------------------------------------------------------------------

namespace {

/// Threads that release what they are given, at once.
class releasers {
public:
  explicit releasers(size_t count) {
    for (; count > 0; --count)
      threads_.emplace_back([this] { run(); });
  }

  ~releasers() {
    {
      std::lock_guard guard{mutex_};
      ended_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_)
      thread.join();
  }

  void give(payload data) {
    {
      std::lock_guard guard{mutex_};
      given_.push_back(std::move(data));
    }
    changed_.notify_one();
  }

private:
  void run() {
    std::unique_lock guard{mutex_};
    for (;;) {
      changed_.wait(guard, [this] { return ended_ || !given_.empty(); });
      if (given_.empty())
        return;
      auto data = std::move(given_.front());
      given_.pop_front();
      guard.unlock();
      data = {};
      guard.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<payload> given_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

} // namespace

TEST_CASE("read_account wakes its connection once a pause, whichever thread releases last") {
  // One long message that is above the limit alone, or as many short ones as are.
  auto [byte_limit, message_limit, count] = GENERATE(
    table<size_t, size_t, int>({{10, 1000, 1}, {1'000'000, 1, 2}, {1'000'000, 8, 9}}));
  owned_account x{byte_limit, message_limit};
  {
    releasers threads{3};
    for (int round = 0; round < 2000; ++round) {
      std::vector<payload> messages;
      for (int i = 0; i < count; ++i)
        messages.push_back(x.receive(100));
      // Every other round the threads release while the bridge is about to pause.
      auto paused = round % 2 == 0 && x.account->must_pause();
      CHECK(paused == (round % 2 == 0));
      for (auto& message : messages)
        threads.give(std::move(message));
      if (!paused && !x.account->must_pause())
        continue;
      // As a connection does: nothing is read until it is woken.
      if (!x.wait_until_woken())
        FAIL("not woken in round " << round << ", with " << x.account->messages() << " messages");
    }
  }
  CHECK_FALSE(x.was_woken());
  CHECK(x.account->messages() == 0);
  CHECK(x.account->bytes() == 0);
  CHECK(x.memory->bytes() == 0);
}

TEST_CASE("read_account wakes a connection that waits for memory, whichever threads release it") {
  auto memory = caf::make_counted<memory_account>(8 * step);
  owned_account waiting{1'000'000, 1000, memory};
  owned_account other{1'000'000, 1000, memory};
  auto held = waiting.receive(1);
  {
    releasers threads{3};
    for (int round = 0; round < 2000; ++round) {
      std::vector<payload> messages;
      for (int i = 0; i < 3; ++i)
        messages.push_back(other.receive(4 * step));
      // Every other round the threads release while the bridge is about to pause.
      auto paused = round % 2 == 0 && waiting.account->must_pause();
      CHECK(paused == (round % 2 == 0));
      for (auto& message : messages)
        threads.give(std::move(message));
      if (!paused && !waiting.account->must_pause())
        continue;
      if (!waiting.wait_until_woken())
        FAIL("not woken in round " << round << ", with " << memory->bytes() << " bytes in use");
      CHECK_FALSE(waiting.account->must_pause());
      while (memory->bytes() > 0)
        std::this_thread::yield();
    }
  }
  CHECK_FALSE(waiting.was_woken());
  held = {};
  CHECK(memory->bytes() == 0);
  CHECK(waiting.account->messages() == 0);
  CHECK(other.account->messages() == 0);
}
