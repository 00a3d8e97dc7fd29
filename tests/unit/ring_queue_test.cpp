#include "base/ring_queue.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <memory>
#include <random>

using pipeactor::detail::ring_queue;

TEST_CASE("ring_queue owns no memory until something is pushed") {
  ring_queue<int> queue;
  CHECK(queue.empty());
  CHECK(queue.size() == 0);
  CHECK(queue.capacity() == 0);
  queue.push_back(1);
  CHECK(queue.capacity() > 0);
}

TEST_CASE("ring_queue gives elements back in the order pushed") {
  ring_queue<int> queue;
  std::deque<int> model;
  std::mt19937 random{1};
  for (int value = 0; value < 20000; ++value) {
    // Pushes win in the first half, pops in the second.
    auto push = model.empty() || random() % 100 < (value < 10000 ? 60u : 40u);
    if (push) {
      queue.push_back(value);
      model.push_back(value);
    } else {
      queue.pop_front();
      model.pop_front();
    }
    REQUIRE(queue.size() == model.size());
    if (!model.empty()) {
      auto index = random() % model.size();
      REQUIRE(queue.front() == model.front());
      REQUIRE(queue[index] == model[index]);
    }
  }
}

TEST_CASE("ring_queue gives a large block back when it runs empty, and keeps a small one") {
  ring_queue<int> queue;
  queue.push_back(1);
  queue.pop_front();
  CHECK(queue.capacity() > 0);
  CHECK(queue.capacity() <= ring_queue<int>::kept_capacity);
  for (int value = 0; value < 1000; ++value)
    queue.push_back(value);
  CHECK(queue.capacity() >= 1000);
  while (!queue.empty())
    queue.pop_front();
  CHECK(queue.capacity() == 0);
}

TEST_CASE("ring_queue destroys an element when it is popped and all when it is cleared") {
  auto element = std::make_shared<int>(1);
  ring_queue<std::shared_ptr<int>> queue;
  for (int count = 0; count < 3; ++count)
    queue.push_back(element);
  CHECK(element.use_count() == 4);
  queue.pop_front();
  CHECK(element.use_count() == 3);
  queue.clear();
  CHECK(element.use_count() == 1);
  CHECK(queue.empty());
  CHECK(queue.capacity() == 0);
}

TEST_CASE("ring_queue holds elements that only move, and moves itself") {
  ring_queue<std::unique_ptr<int>> queue;
  for (int value = 0; value < 10; ++value)
    queue.push_back(std::make_unique<int>(value));
  queue.pop_front();
  auto other = std::move(queue);
  CHECK(other.size() == 9);
  CHECK(*other.front() == 1);
  CHECK(*other[8] == 9);
  queue = ring_queue<std::unique_ptr<int>>{};
  CHECK(queue.empty());
  queue.push_back(std::make_unique<int>(5));
  CHECK(*queue.front() == 5);
}
