// What the Linux ports do if the system fails them.

#include "syscall_faults.hpp"
#include "unix_port_helpers.hpp"

#include <algorithm>
#include <functional>

using namespace unix_port;
using unix_helpers::fail_syscalls;

namespace {

/// Runs `body` with a port of its own in a child process, where faults harm nobody else.
/// @returns what it returned
template <class F>
strings in_world_of_child(F body) {
  auto kind = each_port();
  auto text = unix_helpers::in_child([&] {
    // UBSan checks each class once, and takes system calls for it: now, while they work.
    describe(make_error(errc::out_of_resources, "", EMFILE));
    // Never destroyed: its port may not be able to end.
    auto& w = *new world{kind};
    std::string lines;
    for (auto& line : body(w))
      lines += line + "\n";
    return lines;
  });
  strings result;
  for (size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1)
    result.push_back(text.substr(begin, end - begin));
  return result;
}

/// Returns the socket of this process that listens.
int listening_socket() {
  for (auto& name : unix_helpers::files_in("/proc/self/fd")) {
    auto fd = std::atoi(name.c_str());
    int value = 0;
    socklen_t size = sizeof(value);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1)
      return fd;
  }
  return -1;
}

} // namespace

// -- the port as a whole ----------------------------------------------------------------------

TEST_CASE("unix ports that can no longer wait say why, and still close their pipes") {
  unix_helpers::temp_directory directory;
  auto told = in_world_of_child([&](world& w) -> strings {
    auto listener = w.port->listen({directory / "pipe", pipe_mode::message, 8});
    auto [pipe, peer] = w.connected(pipe_mode::message);
    auto [other, other_peer] = w.connected(pipe_mode::message);
    w.port->start_reading(*pipe);
    w.settle();
    w.port->close(*other);
    unix_helpers::fail_waiting(EBADF);
    w.port->write(*pipe, payload{"reported once"});
    auto failure = w.turn(1h);
    auto result = w.events.take();
    result.push_back(to_string(code_of(failure)) + " " + std::to_string(os_code_of(failure)));
    w.port->close(*pipe);
    w.port->stop_listening(*listener);
    failure = w.turn(1h);
    auto later = w.events.take();
    result.insert(result.end(), later.begin(), later.end());
    result.push_back(failure ? "still failed" : "recovered");
    result.push_back(unix_helpers::exists(directory / "pipe") ? "name there" : "name free");
    return result;
  });
  REQUIRE(told.size() >= 6);
  auto count = [&](const std::string& line) { return std::count(told.begin(), told.end(), line); };
  // How far the write got is open, but it is reported, once.
  CHECK(count("sent 1") + count("failed 1 operation_aborted") == 1);
  CHECK(count("closed") == 2);
  CHECK(count("listener closed") == 1);
  CHECK(count("os_error " + std::to_string(EBADF)) == 1);
  CHECK(count("still failed") == 1);
  CHECK(told.back() == "name free");
}

TEST_CASE("unix ports that failed do not spin, and end a wait of theirs soon") {
  auto told = in_world_of_child([](world& w) -> strings {
    unix_helpers::fail_waiting(EBADF);
    // These end, though nothing comes.
    for (int turn = 0; turn < 3; ++turn)
      w.turn(1h);
    auto turns = w.turns_in(100ms);
    return {turns < 200 ? "calm" : std::to_string(turns) + " turns"};
  });
  CHECK(told == strings{"calm"});
}

// More entries than the ring has, and none leaves: this once took for ever.
TEST_CASE("io_uring_port reports no write as sent that the kernel did not take") {
  auto told = in_world_of_child([](world& w) -> strings {
    constexpr size_t pipes = defaults::io_uring_submission_entries + 100;
    std::vector<unique_fd> peers;
    std::vector<pipe_record_ptr> ours;
    for (size_t count = 0; count < pipes; ++count) {
      auto [pipe, peer] = w.connected(pipe_mode::message);
      peers.push_back(std::move(peer));
      ours.push_back(pipe);
    }
    w.settle();
    fail_syscalls({__NR_io_uring_enter}, EAGAIN);
    for (auto& pipe : ours) {
      w.port->start_reading(*pipe);
      w.port->write(*pipe, payload{"a"});
      w.port->write(*pipe, payload{"b"});
    }
    caf::error failure;
    for (int turn = 0; turn < 5; ++turn)
      failure = w.turn();
    size_t got = 0;
    for (auto& peer : peers)
      while (receive_from(peer) != "-")
        ++got;
    strings result{failure ? "failed" : "goes on"};
    result.push_back(w.events.sent == got ? "true" : "told of messages that nobody got");
    // epoll does without io_uring_enter.
    auto expected = w.port->kind() == port_kind::epoll ? 2 * pipes : 0;
    result.push_back(got == expected ? "all that can be" : std::to_string(got));
    return result;
  });
  CHECK(told == strings{"goes on", "true", "all that can be"});
}

// -- listeners --------------------------------------------------------------------------------

// A process that shares the socket can do that, e.g. a forked child.
TEST_CASE("unix ports report a listener whose socket was shut down, and give its name back") {
  unix_helpers::temp_directory directory;
  world w;
  INFO(to_string(w.port->kind()));
  auto listener = w.port->listen({directory / "pipe", pipe_mode::message, 8});
  REQUIRE(listener);
  CHECK(w.settle().empty());
  REQUIRE(shutdown(listening_socket(), SHUT_RDWR) == 0);
  w.step_until([&] { return !w.events.events.empty(); });
  CHECK(w.settle() == strings{"listener failed os_error"});
  CHECK_FALSE(unix_helpers::exists(directory / "pipe"));
  CHECK(w.port->address(*listener).empty());
  w.port->stop_listening(*listener);
  CHECK(w.settle().empty());
  CHECK(w.turns_in(50ms) < 20);
  auto again = w.port->listen({directory / "pipe", pipe_mode::message, 8});
  REQUIRE(again);
  auto client = w.port->connect(directory / "pipe", pipe_mode::message);
  CHECK(client);
  CHECK(w.settle() == strings{"accepted"});
  w.port->stop_listening(*again);
  CHECK(w.settle() == strings{"listener closed"});
}

// A cleaner of /tmp, or a tidy user.
TEST_CASE("unix ports report a listener whose files are removed or renamed") {
  unix_helpers::temp_directory directory;
  auto inner = directory / "inner";
  auto name = inner + "/pipe";
  auto lock = name + ".lock";
  REQUIRE(mkdir(inner.c_str(), 0700) == 0);
  world w;
  auto other = w.port->listen({directory / "other", pipe_mode::message, 8});
  REQUIRE(other);
  std::function<void()> harms[] = {
    [&] { REQUIRE(unlink(lock.c_str()) == 0); },
    [&] { REQUIRE(unlink(name.c_str()) == 0); },
    [&] { REQUIRE(rename(lock.c_str(), (name + ".old").c_str()) == 0); },
    [&] { REQUIRE(rename(inner.c_str(), (directory / "renamed").c_str()) == 0); },
  };
  for (auto& harm : harms) {
    auto listener = w.port->listen({name, pipe_mode::message, 8});
    REQUIRE(listener);
    CHECK(w.settle().empty());
    CHECK(w.turns_in(20ms) < 20);
    harm();
    w.step_until([&] { return !w.events.events.empty(); });
    CHECK(w.settle() == strings{"listener failed os_error"});
  }
  // What is done to the files otherwise harms nobody.
  REQUIRE(chmod((directory / "other").c_str(), 0666) == 0);
  CHECK(w.settle().empty());
  w.port->stop_listening(*other);
  CHECK(w.settle() == strings{"listener closed"});
  auto renamed = directory / "renamed";
  for (auto& file : unix_helpers::files_in(renamed))
    unlink((renamed + "/" + file).c_str());
}

TEST_CASE("unix ports do not spin if the system forbids accepting") {
  unix_helpers::temp_directory directory;
  auto told = in_world_of_child([&](world& w) -> strings {
    if (!w.port->listen({directory / "pipe", pipe_mode::message, 8}))
      return {"cannot listen"};
    auto client = w.port->connect(directory / "pipe", pipe_mode::message);
    fail_syscalls({__NR_accept4}, EPERM);
    return {w.turns_in(150ms) < 50 ? "calm" : "spins"};
  });
  CHECK(told == strings{"calm"});
}

TEST_CASE("epoll_port rests if it cannot watch a listener") {
  unix_helpers::temp_directory directory;
  auto told = in_world_of_child([&](world& w) -> strings {
    fail_syscalls({__NR_epoll_ctl}, ENOSPC);
    auto listener = w.port->listen({directory / "pipe", pipe_mode::message, 8});
    if (!listener)
      return {"cannot listen"};
    auto turns = w.turns_in(150ms);
    w.port->stop_listening(*listener);
    auto result = w.settle();
    result.push_back(turns < 50 ? "calm" : "spins");
    return result;
  });
  CHECK(told == strings{"listener closed", "calm"});
}

// -- pipes ------------------------------------------------------------------------------------

TEST_CASE("unix ports end the input of a pipe that they cannot prepare") {
  auto told = in_world_of_child([](world& w) -> strings {
    fail_syscalls({__NR_setsockopt}, ENOMEM);
    // io_uring_port stamps messages later.
    auto mode = w.port->kind() == port_kind::epoll ? pipe_mode::message : pipe_mode::byte;
    auto [pipe, peer] = w.connected(mode);
    w.port->start_reading(*pipe);
    send_to(peer, "unread");
    auto result = w.settle();
    result.push_back(pipe->state() == pipe_state::closing ? "closing" : "not closing");
    w.port->write(*pipe, payload{"written"});
    w.port->close(*pipe);
    auto later = w.settle();
    result.insert(result.end(), later.begin(), later.end());
    return result;
  });
  CHECK(told
        == strings{"ended out_of_resources", "closing", "failed 1 operation_aborted", "closed"});
}

TEST_CASE("epoll_port ends a pipe that it cannot watch") {
  auto told = in_world_of_child([](world& w) -> strings {
    fail_syscalls({__NR_epoll_ctl}, ENOSPC);
    auto [pipe, peer] = w.connected(pipe_mode::message);
    auto result = w.settle();
    result.insert(result.begin(), to_string(w.port->kind()));
    w.port->close(*pipe);
    result.push_back(w.settle().back());
    return result;
  });
  // io_uring does without.
  CHECK((told == strings{"epoll", "ended os_error", "closed"}
         || told == strings{"io_uring", "closed"}));
}
