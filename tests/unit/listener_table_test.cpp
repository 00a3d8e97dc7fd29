#include "port/listener_table.hpp"

#include "captured_log.hpp"

#include "pipeactor/error.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace pipeactor;
using namespace pipeactor::port;
using namespace std::chrono_literals;

namespace {

struct test_listener : pipe_listener {
  int value = 0;
};

using table = listener_table<test_listener>;

const auto first_time = time_point{1h};

void remove_all(table& listeners) {
  listeners.for_each([&](test_listener& l) { listeners.remove(l); });
}

} // namespace

TEST_CASE("listener_table gives each listener an id that no other one has") {
  table listeners;
  auto& a = listeners.add();
  auto& b = listeners.add();
  CHECK(a.id != b.id);
  CHECK(listeners.find(a.id) == &a);
  CHECK(listeners.find(b.id) == &b);
  auto gone = a.id;
  listeners.remove(a);
  CHECK(listeners.find(gone) == nullptr);
  CHECK(listeners.add().id != gone);
  remove_all(listeners);
  CHECK(listeners.empty());
}

TEST_CASE("listener_table stops a listener once, and ignores an unknown id") {
  table listeners;
  auto& l = listeners.add();
  listeners.stop(l.id + 1);
  CHECK_FALSE(l.closing());
  listeners.stop(l.id);
  CHECK(l.life == life_state::closing);
  CHECK_FALSE(l.reason);
  l.life = life_state::cancelled;
  listeners.stop(l.id);
  CHECK(l.life == life_state::cancelled);
  remove_all(listeners);
}

TEST_CASE("a listener that fails ends with the reason, unless its end was asked for before") {
  table listeners;
  auto& failing = listeners.add();
  fail(failing, make_error(errc::os_error));
  CHECK(failing.closing());
  CHECK(code_of(failing.reason) == errc::os_error);
  fail(failing, make_error(errc::out_of_resources));
  CHECK(code_of(failing.reason) == errc::os_error);
  auto& stopped = listeners.add();
  listeners.stop(stopped.id);
  fail(stopped, make_error(errc::os_error));
  CHECK_FALSE(stopped.reason);
  remove_all(listeners);
}

TEST_CASE("a listener rests for a while after accepting failed, which is logged once") {
  captured_log log;
  table listeners;
  auto& l = listeners.add();
  rest(l, first_time, "/the/address", make_error(errc::out_of_resources, "no descriptors"));
  CHECK(l.rest_until == first_time + defaults::accept_backoff);
  rest(l, first_time + 1h, "/the/address", make_error(errc::out_of_resources, "no descriptors"));
  CHECK(l.rest_until == first_time + 1h + defaults::accept_backoff);
  CHECK_FALSE(l.closing());
  REQUIRE(log.lines().size() == 1);
  CHECK(log.lines()[0].find("/the/address") != std::string::npos);
  CHECK(log.lines()[0].find("no descriptors") != std::string::npos);
  all_accepted(l);
  rest(l, first_time + 2h, "/the/address", make_error(errc::out_of_resources));
  CHECK(log.lines().size() == 2);
  remove_all(listeners);
}

TEST_CASE("listener_table visits each listener, also if it is removed and others are added") {
  table listeners;
  auto first = listeners.add().id;
  auto second = listeners.add().id;
  std::vector<listener_id> visited;
  listeners.for_each([&](test_listener& l) {
    visited.push_back(l.id);
    listeners.remove(l);
    if (visited.size() == 1)
      listeners.add();
  });
  REQUIRE(visited.size() == 3);
  CHECK(visited[0] == first);
  CHECK(visited[1] == second);
  CHECK(listeners.empty());
}
