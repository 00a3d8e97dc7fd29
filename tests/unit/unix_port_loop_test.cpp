// How the Linux ports wait, wake, listen and accept.

#include "unix_port_helpers.hpp"

#include "base/log.hpp"

#include <sys/resource.h>

#include <algorithm>

using namespace unix_port;

// -- waiting ----------------------------------------------------------------------------------

TEST_CASE("unix ports wait until the deadline, even a close one") {
  world w;
  for (auto wait : {clock::duration{300us}, clock::duration{20ms}}) {
    auto begin = clock::now();
    w.port->turn(begin + wait, w.events);
    CHECK(clock::now() - begin >= wait);
    CHECK(clock::now() - begin < wait + 500ms);
  }
}

TEST_CASE("unix ports end a wait, now or at the next turn, when they are woken") {
  world w;
  for (int count = 0; count < 1000; ++count)
    w.port->wake();
  w.port->turn(time_point::max(), w.events);
  // All of them were one.
  CHECK(w.turns_in(50ms) < 20);
  port_test::turn_while_woken(*w.port, w.events);
}

// -- listening --------------------------------------------------------------------------------

TEST_CASE("unix ports accept what connects and give the name back") {
  unix_helpers::temp_directory directory;
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto name = directory / "pipe";
  for (int round = 0; round < 3; ++round) {
    auto listener = w.port->listen({name, mode, 8});
    REQUIRE(listener);
    CHECK(w.port->address(*listener) == name);
    CHECK_FALSE(w.port->listen({name, mode, 8}));
    auto raw = w.port->connect(name, mode);
    REQUIRE(raw);
    CHECK(w.settle() == strings{"accepted"});
    auto server = w.adopt(std::move(static_cast<unix_pipe&>(*w.events.accepted.at(0)).fd), mode);
    auto client = w.adopt(std::move(static_cast<unix_pipe&>(**raw).fd), mode);
    w.events.accepted.clear();
    CHECK(server->peer().pid == getpid());
    CHECK(client->peer().uid == static_cast<int64_t>(geteuid()));
    w.port->start_reading(*server);
    w.port->write(*client, payload{"hello"});
    auto events = w.settle();
    // Two pipes: their order depends on the port.
    std::sort(events.begin(), events.end());
    CHECK(events == strings{"received hello", "sent 1"});
    w.port->stop_listening(*listener);
    w.port->stop_listening(*listener);
    CHECK(w.settle() == strings{"listener closed"});
    CHECK_FALSE(unix_helpers::exists(name));
    CHECK_FALSE(w.port->connect(name, mode));
  }
}

TEST_CASE("unix ports rest if no descriptor is left to accept with") {
  unix_helpers::temp_directory directory;
  world w;
  // UBSan checks each class once, and takes two descriptors for it: now, while there are some.
  auto before_it = w.port->listen({directory / "before it", pipe_mode::message, 8});
  REQUIRE(before_it);
  auto first = w.port->connect(directory / "before it", pipe_mode::message);
  REQUIRE(first);
  w.step_until([&] { return w.events.accepted.size() == 1; });
  w.events.accepted.clear();
  // The kernel notes the limit when io_uring begins to accept: no turn before it is lowered.
  auto listener = w.port->listen({directory / "pipe", pipe_mode::message, 8});
  REQUIRE(listener);
  auto client = w.port->connect(directory / "pipe", pipe_mode::message);
  REQUIRE(client);
  detail::log_warning("expected: " + describe(make_error(errc::out_of_resources, "", EMFILE)));
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  auto none_left = before;
  none_left.rlim_cur = 3;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none_left) == 0);
  auto turns = w.turns_in(defaults::accept_backoff * 3);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(turns < 50);
  CHECK(w.events.accepted.empty());
  w.step_until([&] { return w.events.accepted.size() == 1; });
  w.port->stop_listening(*before_it);
  w.port->stop_listening(*listener);
  CHECK(w.settle().back() == "listener closed");
}
