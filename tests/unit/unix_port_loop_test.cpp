// How the Linux ports wait, wake, listen and accept.

#include "captured_log.hpp"
#include "unix_port_helpers.hpp"

#include <sys/resource.h>

#include <algorithm>

using namespace unix_port;

// -- waiting ----------------------------------------------------------------------------------

TEST_CASE("unix ports wait until the deadline, even a close one") {
  world w;
  for (auto wait : {clock::duration{300us}, clock::duration{20ms}}) {
    // The kernel may interrupt a wait for work that an earlier ring of this thread left.
    CHECK(w.turns_in(wait) <= 3);
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

/// Connects until nobody more fits, and the port has accepted all that it does.
/// @returns how many got through
size_t connect_all(world& w, const std::string& name, std::vector<raw_pipe_ptr>& clients) {
  auto before = clients.size();
  for (;;) {
    auto client = w.port->connect(name, pipe_mode::message);
    if (client) {
      clients.push_back(std::move(*client));
      continue;
    }
    REQUIRE(code_of(client.error()) == errc::pipe_busy);
    if (w.settle().empty())
      return clients.size() - before;
  }
}

TEST_CASE("unix ports accept no more clients than their owner deals with") {
  unix_helpers::temp_directory directory;
  world w;
  auto name = directory / "pipe";
  auto listener = w.port->listen({name, pipe_mode::message, 4});
  REQUIRE(listener);
  std::vector<raw_pipe_ptr> clients;
  // The kernel takes one more than the backlog says.
  CHECK(connect_all(w, name, clients) == defaults::accepted_at_once + 5);
  CHECK(w.events.accepted.size() == defaults::accepted_at_once);
  CHECK(w.turns_in(50ms) < 20);
  // One is closed, one is adopted: two others may come.
  w.events.accepted.pop_back();
  auto raw = std::move(w.events.accepted.back());
  w.events.accepted.pop_back();
  auto pipe = w.adopt(std::move(static_cast<unix_pipe&>(*raw).fd), pipe_mode::message);
  raw = nullptr;
  CHECK(connect_all(w, name, clients) == 2);
  CHECK(w.events.accepted.size() == defaults::accepted_at_once);
  // Another thread deals with the rest, and so ends the wait.
  std::thread other{[taken = std::exchange(w.events.accepted, {})]() mutable { taken.clear(); }};
  while (w.events.accepted.empty())
    w.port->turn(time_point::max(), w.events);
  other.join();
  CHECK(w.settle().size() + w.events.accepted.size() > 0);
  w.port->stop_listening(*listener);
  CHECK(w.settle().back() == "listener closed");
}

TEST_CASE("unix ports close clients that nobody dealt with, even after the listener's end") {
  unix_helpers::temp_directory directory;
  world w;
  auto listener = w.port->listen({directory / "pipe", pipe_mode::message, 4});
  REQUIRE(listener);
  std::vector<raw_pipe_ptr> clients;
  connect_all(w, directory / "pipe", clients);
  w.port->stop_listening(*listener);
  CHECK(w.settle() == strings{"listener closed"});
  w.events.accepted.clear();
  CHECK(w.turns_in(50ms) < 20);
}

namespace {

/// Lets no descriptor be made while it lives.
class no_descriptor_left {
public:
  no_descriptor_left() {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    auto none = before_;
    none.rlim_cur = 3;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  }

  ~no_descriptor_left() {
    setrlimit(RLIMIT_NOFILE, &before_);
  }

private:
  rlimit before_{};
};

} // namespace

TEST_CASE("unix ports rest if no descriptor is left to accept with") {
  unix_helpers::temp_directory directory;
  world w;
  // UBSan checks each class once, and takes descriptors for it: now, while there are some.
  describe(make_error(errc::out_of_resources, "", EMFILE));
  auto [pipe, peer] = w.connected(pipe_mode::message);
  auto listener = w.port->listen({directory / "pipe", pipe_mode::message, 8});
  REQUIRE(listener);
  captured_log log;
  std::vector<raw_pipe_ptr> clients;
  // The second shortage is told again, for the first one was over.
  for (size_t round = 1; round <= 2; ++round) {
    for (int count = 0; count < 2; ++count) {
      auto client = w.port->connect(directory / "pipe", pipe_mode::message);
      REQUIRE(client);
      clients.push_back(std::move(*client));
    }
    size_t turns = 0;
    {
      no_descriptor_left limit;
      turns = w.turns_in(defaults::accept_backoff * 3);
    }
    CHECK(turns < 50);
    CHECK(w.events.accepted.empty());
    w.step_until([&] { return w.events.accepted.size() == 2; });
    w.settle();
    w.events.accepted.clear();
    CHECK(log.lines().size() == round);
  }
  CHECK(log.lines().front().find("cannot accept clients of " + directory / "pipe")
        != std::string::npos);
  w.port->stop_listening(*listener);
  CHECK(w.settle().back() == "listener closed");
}

// In turns that do not wait: the rest would last for many thousands of them.
TEST_CASE("unix ports accept at once when a descriptor comes free") {
  unix_helpers::temp_directory directory;
  world w;
  world other{w.port->kind()};
  describe(make_error(errc::out_of_resources, "", EMFILE));
  auto [ours, our_peer] = w.connected(pipe_mode::message);
  auto [theirs, their_peer] = other.connected(pipe_mode::message);
  auto listener = w.port->listen({directory / "pipe", pipe_mode::message, 8});
  REQUIRE(listener);
  auto spare = other.port->listen({directory / "spare", pipe_mode::message, 8});
  REQUIRE(spare);
  for (auto who : {"its own port", "another port", "a listener", "a client that nobody adopted"}) {
    INFO(who);
    auto before = w.events.accepted.size();
    auto client = w.port->connect(directory / "pipe", pipe_mode::message);
    REQUIRE(client);
    {
      no_descriptor_left limit;
      w.turns_in(1ms);
    }
    CHECK(w.events.accepted.size() == before);
    if (who == std::string{"its own port"})
      w.port->close(*ours);
    else if (who == std::string{"another port"})
      other.port->close(*theirs);
    else if (who == std::string{"a listener"})
      other.port->stop_listening(*spare);
    else
      client = caf::error{};
    for (int turn = 0; turn < 100 && w.events.accepted.size() == before; ++turn) {
      other.turn();
      w.turn();
    }
    CHECK(w.events.accepted.size() == before + 1);
  }
  w.events.accepted.clear();
  w.port->stop_listening(*listener);
  CHECK(w.settle().back() == "listener closed");
}
