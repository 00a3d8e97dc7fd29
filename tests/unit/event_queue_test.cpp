#include "base/event_queue.hpp"

#include "eventually.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <stdexcept>
#include <thread>

using namespace pipeactor;
using namespace pipeactor::detail;

namespace {

letter make_letter(int value) {
  return caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, value);
}

struct world {
  /// Runs what waits.
  loop_end run() {
    return queue.run(event_queue::clock::now());
  }

  std::vector<int> seen;
  event_queue queue;
  event_queue::handlers* handlers = queue.keep({[this](int value) {
    seen.push_back(value);
    if (value < 0)
      throw std::runtime_error{"negative"};
    if (value == 0)
      queue.leave();
  }});
};

} // namespace

TEST_CASE("an event queue runs what waits, in order, and then ends in time") {
  world w;
  for (int value : {3, 1, 2})
    w.queue.push(w.handlers, make_letter(value));
  CHECK(w.seen.empty());
  CHECK(w.run() == loop_end::timed_out);
  CHECK(w.seen == std::vector{3, 1, 2});
}

TEST_CASE("an event queue runs no handler after it is left") {
  world w;
  for (int value : {1, 0, 2})
    w.queue.push(w.handlers, make_letter(value));
  CHECK(w.run() == loop_end::left);
  CHECK(w.seen == std::vector{1, 0});
  CHECK(w.run() == loop_end::timed_out);
  CHECK(w.seen == std::vector{1, 0, 2});
}

TEST_CASE("an event whose handler throws is handled, and the queue can be entered again") {
  world w;
  for (int value : {-1, 1})
    w.queue.push(w.handlers, make_letter(value));
  CHECK_THROWS_WITH(w.run(), "negative");
  CHECK(w.run() == loop_end::timed_out);
  CHECK(w.seen == std::vector{-1, 1});
}

TEST_CASE("a closed event queue drops what waits and what comes") {
  world w;
  w.queue.push(w.handlers, make_letter(1));
  w.queue.close();
  w.queue.push(w.handlers, make_letter(2));
  CHECK(w.run() == loop_end::timed_out);
  CHECK(w.seen.empty());
}

TEST_CASE("other threads wake an event queue that waits, by events and by leaving it") {
  event_queue queue;
  std::atomic<int> handled{0};
  auto* handlers = queue.keep({[&](int) { ++handled; }});
  for (int round = 0; round < 3; ++round) {
    std::atomic<bool> ended{false};
    auto wait_for = [&](int count) {
      // Some turns more, so that the queue waits again.
      for (int more = 0; more < 100 && !ended; more += handled >= count)
        std::this_thread::yield();
    };
    handled = 0;
    std::thread other{[&] {
      for (int i = 1; i <= 100; ++i) {
        queue.push(handlers, make_letter(i));
        wait_for(i);
      }
      queue.leave();
    }};
    auto deadline = event_queue::clock::now() + test::patience;
    CHECK(queue.run(deadline) == loop_end::left);
    CHECK(event_queue::clock::now() < deadline);
    ended = true;
    other.join();
    CHECK(handled == 100);
  }
}
