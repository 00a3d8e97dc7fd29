#include "bridge/timer_queue.hpp"

#include <catch2/catch.hpp>

#include <caf/all.hpp>

using namespace pipeactor;
using namespace pipeactor::detail;
using namespace std::chrono_literals;

namespace {

const auto begin_of_time = port::time_point{} + 1h;

/// Actors that count the timers that have fired for them: this thread in their place.
struct owners {
  timer_client_ptr weak(caf::scoped_actor& self) {
    return caf::make_counted<timer_client>(caf::actor_cast<caf::weak_actor_ptr>(self));
  }

  /// Returns how many timers have fired for `self` since the last call.
  static int fired(caf::scoped_actor& self) {
    int result = 0;
    while (self->has_next_message())
      self->receive([&](timer_expired) { ++result; });
    return result;
  }

  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::scoped_actor one{system};
  caf::scoped_actor two{system};
  timer_queue timers;
};

} // namespace

TEST_CASE("timer_queue fires each timer once, when its time has come") {
  owners x;
  CHECK(x.timers.empty());
  CHECK(x.timers.next() == port::time_point::max());
  x.timers.call_at(begin_of_time + 20ms, x.weak(x.two));
  x.timers.call_at(begin_of_time + 10ms, x.weak(x.one));
  x.timers.call_at(begin_of_time + 20ms, x.weak(x.one));
  CHECK(x.timers.size() == 3);
  CHECK(x.timers.next() == begin_of_time + 10ms);
  x.timers.fire(begin_of_time + 10ms - 1ns);
  CHECK(x.timers.size() == 3);
  x.timers.fire(begin_of_time + 10ms);
  CHECK(owners::fired(x.one) == 1);
  CHECK(owners::fired(x.two) == 0);
  CHECK(x.timers.next() == begin_of_time + 20ms);
  x.timers.fire(begin_of_time + 1h);
  CHECK(owners::fired(x.one) == 1);
  CHECK(owners::fired(x.two) == 1);
  CHECK(x.timers.empty());
  x.timers.fire(begin_of_time + 2h);
  CHECK(owners::fired(x.one) + owners::fired(x.two) == 0);
}

TEST_CASE("timer_queue forgets a timer that is cancelled, and no other of the same moment") {
  owners x;
  auto first = x.timers.call_at(begin_of_time, x.weak(x.one));
  auto second = x.timers.call_at(begin_of_time, x.weak(x.two));
  CHECK(first != second);
  x.timers.cancel(first);
  CHECK(x.timers.size() == 1);
  x.timers.cancel(first);
  CHECK(x.timers.size() == 1);
  x.timers.fire(begin_of_time);
  CHECK(owners::fired(x.one) == 0);
  CHECK(owners::fired(x.two) == 1);
  // It has fired.
  x.timers.cancel(second);
  CHECK(x.timers.empty());
}

TEST_CASE("timer_queue fires nothing after it was cleared") {
  owners x;
  x.timers.call_at(begin_of_time, x.weak(x.one));
  x.timers.clear();
  CHECK(x.timers.empty());
  x.timers.fire(begin_of_time + 1h);
  CHECK(owners::fired(x.one) == 0);
}

TEST_CASE("timer_queue keeps a timer for the end of time, and does not fire it before") {
  owners x;
  x.timers.call_at(port::time_point::max(), x.weak(x.one));
  x.timers.fire(begin_of_time + 24h * 365);
  CHECK(owners::fired(x.one) == 0);
  CHECK(x.timers.size() == 1);
}

TEST_CASE("later is the last moment there is if the delay would lead past it") {
  CHECK(later(begin_of_time, 5ms) == begin_of_time + 5ms);
  CHECK(later(begin_of_time, caf::timespan{0}) == begin_of_time);
  CHECK(later(begin_of_time, caf::timespan::max()) == port::time_point::max());
}
