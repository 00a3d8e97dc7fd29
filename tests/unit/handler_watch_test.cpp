#include "bridge/handler_watch.hpp"

#include "eventually.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <thread>
#include <vector>

using namespace pipeactor;
using namespace pipeactor::detail;
using namespace std::chrono_literals;

using test::eventually;

namespace {

/// A bridge, as the watch sees it.
class watched_bridge {
public:
  explicit watched_bridge(handler_watch& watch) : watch_(watch) {
    watch.add(pulse_);
  }

  handler_pulse& pulse() {
    return *pulse_;
  }

  /// A turn begins with a handler of the connection. The watch is woken last, so that it sees the
  /// handler even if this thread has to wait for the processor in between.
  void begin(uint64_t connection) {
    pulse_->turn();
    pulse_->begin(connection);
    watch_.awake();
  }

  void end() {
    pulse_->end();
  }

  bool wait_until_slow(uint64_t times) {
    return eventually([&] { return pulse_->slow_handlers() >= times; });
  }

private:
  handler_watch& watch_;
  handler_pulse_ptr pulse_ = std::make_shared<handler_pulse>();
};

} // namespace

TEST_CASE("handler_pulse counts beginnings, ends and turns, and tells whose handler runs") {
  handler_pulse pulse;
  CHECK(pulse.count() == 0);
  for (uint64_t connection = 1; connection <= 3; ++connection) {
    pulse.turn();
    {
      handler_pulse::run run{pulse, connection};
      CHECK(pulse.count() % 2 == 1);
      CHECK(pulse.connection() == connection);
    }
    CHECK(pulse.count() == 2 * connection);
    CHECK(pulse.turns() == connection);
  }
  CHECK(pulse.slow_handlers() == 0);
}

TEST_CASE("handler_watch counts a handler that holds its bridge up once, while it runs") {
  handler_watch watch;
  watched_bridge slow{watch};
  watched_bridge other{watch};
  watched_bridge idle{watch};
  for (uint64_t round = 1; round <= 3; ++round) {
    slow.begin(round);
    REQUIRE(slow.wait_until_slow(round));
    // The watch goes on looking, as another bridge shows: the first is not counted again.
    other.begin(round);
    REQUIRE(other.wait_until_slow(round));
    CHECK(slow.pulse().slow_handlers() == round);
    slow.end();
    other.end();
  }
  CHECK(idle.pulse().slow_handlers() == 0);
}

TEST_CASE("handler_watch sleeps while its bridges do, and a turn wakes it") {
  handler_watch watch;
  watched_bridge bridge{watch};
  for (uint64_t round = 1; round <= 3; ++round) {
    REQUIRE(eventually([&] { return watch.is_asleep(); }));
    bridge.begin(round);
    CHECK_FALSE(watch.is_asleep());
    REQUIRE(bridge.wait_until_slow(round));
    bridge.end();
  }
}

TEST_CASE("handler_watch does not sleep while a handler runs, even without another turn") {
  handler_watch watch;
  watched_bridge bridge{watch};
  bridge.begin(1);
  REQUIRE(bridge.wait_until_slow(1));
  // A bridge that is new shows that the watch still looks.
  watched_bridge late{watch};
  late.pulse().begin(2);
  CHECK(late.wait_until_slow(1));
  late.end();
  bridge.end();
}

TEST_CASE("handler_watch sees all bridges that turn at once") {
  handler_watch watch;
  std::vector<std::unique_ptr<watched_bridge>> bridges;
  for (int i = 0; i < 4; ++i)
    bridges.push_back(std::make_unique<watched_bridge>(watch));
  std::vector<std::thread> threads;
  for (auto& bridge : bridges)
    threads.emplace_back([&bridge = *bridge] {
      for (uint64_t round = 1; round <= 2; ++round) {
        for (int i = 0; i < 1000; ++i) {
          bridge.begin(1);
          bridge.end();
        }
        bridge.begin(2);
        bridge.wait_until_slow(round);
        bridge.end();
      }
    });
  for (auto& thread : threads)
    thread.join();
  for (auto& bridge : bridges)
    CHECK(bridge->pulse().slow_handlers() >= 2);
}

TEST_CASE("handler_watch does not take handlers that follow each other for one that blocks") {
  handler_watch watch;
  watched_bridge bridge{watch};
  // Nothing runs for longer than a handler may.
  std::this_thread::sleep_for(2 * defaults::slow_handler);
  uint64_t slow = 0;
  auto on_time = 0;
  while (on_time < 3) {
    auto begin = std::chrono::steady_clock::now();
    bridge.begin(1);
    // The watch looks several times.
    std::this_thread::sleep_for(3 * defaults::watch_interval);
    bridge.end();
    // This thread may have had to wait for the processor: then the handler was slow.
    auto was_slow = std::chrono::steady_clock::now() - begin >= defaults::slow_handler;
    auto reported = bridge.pulse().slow_handlers() - slow;
    CHECK(reported <= (was_slow ? 1 : 0));
    slow += reported;
    on_time += was_slow ? 0 : 1;
  }
}

TEST_CASE("handler_watch ends while a handler runs, and while it sleeps") {
  for (int round = 0; round < 100; ++round) {
    handler_watch watch;
    watched_bridge bridge{watch};
    if (round % 2 == 0)
      bridge.begin(1);
    else
      CHECK(eventually([&] { return watch.is_asleep(); }));
  }
}
