#include "actors/write_queue.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <random>
#include <string>

using namespace pipeactor;
using namespace pipeactor::detail;

namespace {

constexpr auto step = memory_account::step;

connection_options options(write_queue_policy policy, size_t bytes, size_t messages) {
  connection_options result;
  result.write_queue_policy = policy;
  result.write_queue_bytes = bytes;
  result.write_queue_messages = messages;
  return result;
}

connection_options options(size_t bytes, size_t messages) {
  return options(write_queue_policy::fail_write, bytes, messages);
}

memory_account_ptr enough_memory() {
  return caf::make_counted<memory_account>(size_t{1} << 30);
}

/// Returns a write of `size` bytes with a number for its cookie.
pending_write write_of(int number, size_t size) {
  pending_write result;
  result.data = payload{std::string(size, 'x')};
  result.size = size;
  result.cookie = cookie::of(number);
  return result;
}

void push(write_queue& queue, pending_write&& write) {
  auto* added = queue.add(write.size);
  REQUIRE(added != nullptr);
  *added = std::move(write);
}

int number_of(const pending_write& write) {
  auto* number = write.cookie.get_if<int>();
  REQUIRE(number != nullptr);
  return *number;
}

} // namespace

// -- limits ---------------------------------------------------------------------------------------

TEST_CASE("write_queue takes one message whatever its size, or it could never be sent") {
  write_queue queue{options(10, 1), enough_memory()};
  CHECK(queue.empty());
  CHECK_FALSE(queue.is_full(1'000'000));
  push(queue, write_of(1, 1'000'000));
  CHECK(queue.is_full(1));
  queue.pop();
  CHECK_FALSE(queue.is_full(1'000'000));
}

TEST_CASE("write_queue is full when one more would exceed its bytes") {
  write_queue queue{options(100, 1000), enough_memory()};
  push(queue, write_of(1, 60));
  CHECK_FALSE(queue.is_full(40));
  CHECK(queue.is_full(41));
  push(queue, write_of(2, 40));
  CHECK(queue.bytes() == 100);
  CHECK(queue.is_full(1));
}

TEST_CASE("write_queue is full when one more would exceed its messages") {
  write_queue queue{options(1'000'000, 3), enough_memory()};
  for (int number = 0; number < 3; ++number) {
    CHECK_FALSE(queue.is_full(1));
    push(queue, write_of(number, 1));
  }
  CHECK(queue.size() == 3);
  CHECK(queue.is_full(1));
}

TEST_CASE("write_queue takes nothing that would exceed the memory of all queues") {
  auto memory = caf::make_counted<memory_account>(20 * step);
  write_queue greedy{options(1'000'000, 1000), memory};
  write_queue modest{options(1'000'000, 1000), memory};
  CHECK(greedy.add(21 * step) == nullptr);
  CHECK(memory->bytes() == 0);
  push(greedy, write_of(1, 20 * step));
  CHECK(memory->exhausted());
  CHECK(greedy.add(step) == nullptr);
  CHECK(memory->bytes() == 20 * step);
  // A queue that is empty takes one that is not too long, or its connection would starve.
  CHECK(modest.add(defaults::always_admitted_bytes + 1) == nullptr);
  push(modest, write_of(2, defaults::always_admitted_bytes));
  CHECK(modest.add(step) == nullptr);
  CHECK(memory->bytes() == 36 * step);
  modest.pop();
  greedy.pop();
  CHECK(memory->bytes() == 0);
  push(modest, write_of(2, 20 * step));
}

TEST_CASE("write_queue counts towards the memory of all queues until it is popped or destroyed") {
  auto memory = enough_memory();
  {
    write_queue queue{options(1'000'000, 1000), memory};
    push(queue, write_of(1, 3 * step));
    push(queue, write_of(2, 5 * step));
    CHECK(memory->bytes() == 8 * step);
    // A message that the port has takes memory, too.
    queue.hand_over();
    CHECK(memory->bytes() == 8 * step);
    queue.pop();
    CHECK(memory->bytes() == 5 * step);
  }
  CHECK(memory->bytes() == 0);
}

// -- the port's part ------------------------------------------------------------------------------

TEST_CASE("write_queue hands over the oldest write that waits") {
  write_queue queue{options(1'000'000, 1000), enough_memory()};
  for (int number = 1; number <= 3; ++number)
    push(queue, write_of(number, static_cast<size_t>(number)));
  for (size_t size = 1; size <= 3; ++size) {
    CHECK(queue.has_waiting());
    CHECK(queue.hand_over().size() == size);
  }
  CHECK_FALSE(queue.has_waiting());
  // Still here, until they are reported.
  CHECK(queue.size() == 3);
  CHECK(queue.bytes() == 6);
  for (int number = 1; number <= 3; ++number)
    CHECK(number_of(queue.pop()) == number);
  CHECK(queue.empty());
}

TEST_CASE("write_queue keeps no bytes of a write that the port has") {
  write_queue queue{options(1'000'000, 1000), enough_memory()};
  push(queue, write_of(1, 10));
  auto data = queue.hand_over();
  CHECK(data.size() == 10);
  auto reported = queue.pop();
  CHECK(reported.data.empty());
  CHECK(reported.size == 10);
}

TEST_CASE("write_queue drops the oldest write that waits, not one that the port has") {
  write_queue queue{options(1'000'000, 1000), enough_memory()};
  for (int number = 1; number <= 4; ++number)
    push(queue, write_of(number, 10));
  queue.hand_over();
  queue.hand_over();
  CHECK(number_of(queue.pop_waiting()) == 3);
  CHECK(queue.bytes() == 30);
  CHECK(number_of(queue.pop()) == 1);
  CHECK(number_of(queue.pop_waiting()) == 4);
  CHECK_FALSE(queue.has_waiting());
  CHECK(number_of(queue.pop()) == 2);
  CHECK(queue.empty());
  CHECK(queue.bytes() == 0);
}

TEST_CASE("write_queue gives the port everything unless the oldest may have to be dropped") {
  auto policy = GENERATE(write_queue_policy::fail_write, write_queue_policy::disconnect);
  write_queue queue{options(policy, 100, 10), enough_memory()};
  CHECK(queue.policy() == policy);
  for (int number = 0; number < 10; ++number) {
    push(queue, write_of(number, 10));
    CHECK(queue.port_has_room());
    queue.hand_over();
  }
  CHECK(queue.port_has_room());
}

TEST_CASE("write_queue gives the port at most half of the messages if the rest may be dropped") {
  write_queue queue{options(write_queue_policy::drop_oldest, 1'000'000, 10), enough_memory()};
  for (int number = 0; number < 10; ++number)
    push(queue, write_of(number, 1));
  for (int given = 0; given < 5; ++given) {
    CHECK(queue.port_has_room());
    queue.hand_over();
  }
  CHECK_FALSE(queue.port_has_room());
  queue.pop();
  CHECK(queue.port_has_room());
}

TEST_CASE("write_queue gives the port at most half of the bytes if the rest may be dropped") {
  write_queue queue{options(write_queue_policy::drop_oldest, 1000, 1000), enough_memory()};
  for (int number = 0; number < 10; ++number)
    push(queue, write_of(number, 100));
  for (int given = 0; given < 5; ++given) {
    CHECK(queue.port_has_room());
    queue.hand_over();
  }
  CHECK_FALSE(queue.port_has_room());
  queue.pop();
  CHECK(queue.port_has_room());
}

TEST_CASE("write_queue gives the port no more than can be lost, however large its limits are") {
  write_queue many{options(write_queue_policy::drop_oldest, SIZE_MAX, SIZE_MAX), enough_memory()};
  size_t given = 0;
  for (; given < 1000 && many.port_has_room(); ++given) {
    push(many, write_of(0, 1));
    many.hand_over();
  }
  CHECK(given == defaults::undroppable_messages);
  write_queue large{options(write_queue_policy::drop_oldest, SIZE_MAX, SIZE_MAX), enough_memory()};
  constexpr auto quarter = defaults::undroppable_bytes / 4;
  for (given = 0; given < 1000 && large.port_has_room(); ++given) {
    push(large, write_of(0, quarter));
    large.hand_over();
  }
  CHECK(given == 4);
}

TEST_CASE("write_queue gives the port one write even if the limits leave no half") {
  write_queue queue{options(write_queue_policy::drop_oldest, 1, 1), enough_memory()};
  push(queue, write_of(1, 100));
  CHECK(queue.port_has_room());
  queue.hand_over();
  CHECK_FALSE(queue.port_has_room());
}

// -- against a model ------------------------------------------------------------------------------

TEST_CASE("write_queue behaves as two queues, the port's and its own, whatever is done with it") {
  auto memory = enough_memory();
  write_queue queue{options(write_queue_policy::drop_oldest, 1'000'000, 1000), memory};
  std::deque<std::pair<int, size_t>> in_port;
  std::deque<std::pair<int, size_t>> waiting;
  std::minstd_rand random{7};
  size_t bytes = 0;
  for (int number = 0; number < 20'000; ++number) {
    auto choice = random() % 5;
    if (choice < 2) {
      auto size = size_t{random() % 9000 + 1};
      push(queue, write_of(number, size));
      waiting.emplace_back(number, size);
      bytes += size;
    } else if (choice == 2 && !waiting.empty()) {
      REQUIRE(queue.hand_over().size() == waiting.front().second);
      in_port.push_back(waiting.front());
      waiting.pop_front();
    } else if (choice == 3 && !waiting.empty()) {
      REQUIRE(number_of(queue.pop_waiting()) == waiting.front().first);
      bytes -= waiting.front().second;
      waiting.pop_front();
    } else if (choice == 4 && !in_port.empty()) {
      REQUIRE(number_of(queue.pop()) == in_port.front().first);
      bytes -= in_port.front().second;
      in_port.pop_front();
    }
    REQUIRE(queue.size() == in_port.size() + waiting.size());
    REQUIRE(queue.has_waiting() == !waiting.empty());
    REQUIRE(queue.bytes() == bytes);
    REQUIRE(memory->bytes() == bytes / step * step);
  }
}
