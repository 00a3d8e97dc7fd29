#include "base/event_queue.hpp"

#include "eventually.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>

using namespace pipeactor;
using namespace pipeactor::detail;

namespace {

/// Calls a function at its end.
struct last_words {
  explicit last_words(std::function<void()> what) : call(std::move(what)) {}

  last_words(const last_words&) = delete;
  last_words& operator=(const last_words&) = delete;

  ~last_words() {
    call();
  }

  std::function<void()> call;
};

} // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<last_words>)

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

TEST_CASE("an event queue whose handler makes more events ends in time, and goes on with them") {
  event_queue queue;
  event_queue::handlers* handlers = nullptr;
  int handled = 0;
  handlers = queue.keep({[&](int value) {
    if (++handled < 1000)
      queue.push(handlers, make_letter(value + 1));
  }});
  queue.push(handlers, make_letter(1));
  for (int round = 1; round <= 3; ++round) {
    CHECK(queue.run(event_queue::clock::now()) == loop_end::timed_out);
    CHECK(handled == round);
  }
}

TEST_CASE("what an event holds may use the event queue as it ends") {
  world w;
  auto* handlers = w.queue.keep({[](const std::shared_ptr<last_words>&) {}});
  for (int round = 1; round <= 3; ++round) {
    std::future<void> pushed;
    auto is_free = false;
    // On another thread: this one would wait for itself.
    auto content = std::make_shared<last_words>([&] {
      pushed = std::async(std::launch::async,
                          [&] { w.queue.push(w.handlers, make_letter(round)); });
      is_free = pushed.wait_for(test::patience) == std::future_status::ready;
    });
    w.queue.push(handlers, caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                                     std::move(content)));
    CHECK(w.run() == loop_end::timed_out);
    CHECK(is_free);
    pushed.wait();
    CHECK(w.run() == loop_end::timed_out);
    CHECK(w.seen.back() == round);
  }
}
