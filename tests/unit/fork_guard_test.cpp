#include "port/linux/fork_guard.hpp"

#include "eventually.hpp"
#include "unix_port_helpers.hpp"

#include <fcntl.h>

using namespace unix_port;

namespace {

bool is_open(int fd) {
  return fcntl(fd, F_GETFD) >= 0;
}

} // namespace

TEST_CASE(
  "a forked child has none of the descriptors that unique_fd owns, and its parent has all") {
  std::vector<unique_fd> owned;
  for (int count = 0; count < 200; ++count)
    owned.emplace_back(dup(0));
  unique_fd moved = std::move(owned.front());
  owned.front() = unique_fd{dup(0)};
  auto given = owned.back().release();
  auto text = unix_helpers::in_child([&]() -> std::string {
    for (auto& fd : owned)
      if (fd && is_open(fd.get()))
        return "has " + std::to_string(fd.get());
    return is_open(moved.get()) ? "has the one that was moved"
           : is_open(given)     ? "has what is not ours"
                                : "has none";
  });
  CHECK(text == "has what is not ours");
  CHECK(is_open(moved.get()));
  CHECK(is_open(owned.front().get()));
  close(given);
}

TEST_CASE("a forked child keeps neither the name nor the pipes of a port that ends") {
  unix_helpers::temp_directory directory;
  auto name = directory / "pipe";
  auto kind = each_port();
  unique_fd client;
  {
    world w{kind};
    auto listener = w.port->listen({name, pipe_mode::message, 8});
    REQUIRE(listener);
    auto raw = w.port->connect(name, pipe_mode::message);
    REQUIRE(raw);
    client = std::move(static_cast<unix_pipe&>(**raw).fd);
    w.step_until([&] { return w.events.accepted.size() == 1; });
    auto pipe = w.adopt(std::move(static_cast<unix_pipe&>(*w.events.accepted.at(0)).fd),
                        pipe_mode::message);
    w.port->start_reading(*pipe);
    w.settle();
    unix_helpers::child_process sleeper{[] { return std::string{"sleeps"}; }};
    CHECK(sleeper.text() == "sleeps");
    CHECK(pipe_name_claim::is_held(name));
    w.port->stop_listening(*listener);
    w.port->close(*pipe);
    w.settle();
    CHECK_FALSE(pipe_name_claim::is_held(name));
    CHECK(receive_from(client) == ".");
    CHECK(pipe_name_claim::acquire(name));
  }
}

TEST_CASE("a forked child keeps neither the name nor the pipes of a parent that was killed") {
  unix_helpers::temp_directory directory;
  auto name = directory / "pipe";
  auto kind = each_port();
  int ends[2];
  int sockets[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0);
  auto parent = fork();
  if (parent == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(sockets[1]);
    auto& w = *new world{kind};
    auto listener = w.port->listen({name, pipe_mode::message, 8});
    auto pipe = w.adopt(unique_fd{sockets[0]}, pipe_mode::message);
    w.port->start_reading(*pipe);
    w.settle();
    int child = listener ? fork() : -1;
    if (child == 0)
      for (;;)
        pause();
    if (write(ends[1], &child, sizeof(child)) < 0)
      _exit(1);
    for (;;)
      pause();
  }
  close(sockets[0]);
  unique_fd peer{sockets[1]};
  int child = 0;
  REQUIRE(read(ends[0], &child, sizeof(child)) == sizeof(child));
  REQUIRE(child > 0);
  CHECK(pipe_name_claim::is_held(name));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  CHECK(kill(child, 0) == 0);
  // The kernel may free an io_uring a moment after its process.
  auto end = clock::now() + 5s;
  auto code = errc::none;
  while (code != errc::no_such_pipe && clock::now() < end)
    if (auto fd = connect_unix(name, pipe_mode::message); !fd)
      code = code_of(fd.error());
  CHECK(code == errc::no_such_pipe);
  CHECK_FALSE(pipe_name_claim::is_held(name));
  CHECK(test::eventually([&] { return receive_from(peer) == "."; }));
  kill(child, SIGKILL);
  close(ends[0]);
  close(ends[1]);
}
