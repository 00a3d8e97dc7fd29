#include "port/linux/pipe_name_claim.hpp"
#include "pipeactor/error.hpp"

#include "unix_helpers.hpp"

#include <poll.h>
#include <sched.h>

#include <memory>

using namespace pipeactor;
using namespace pipeactor::port;
using namespace unix_helpers;

namespace {

errc code_of_claim(const std::string& path) {
  auto claim = pipe_name_claim::acquire(path);
  return claim ? errc::none : code_of(claim.error());
}

std::string text_of_claim(const std::string& path) {
  auto claim = pipe_name_claim::acquire(path);
  return claim ? "claimed" : describe(claim.error());
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A process that claims `path`, binds a socket to it and listens, as a server does.
struct server_process : child_process {
  explicit server_process(const std::string& path)
      : child_process([&]() -> std::string {
          auto claim = pipe_name_claim::acquire(path);
          if (!claim)
            return describe(claim.error());
          foreign_socket(path, SOCK_SEQPACKET);
          new pipe_name_claim{std::move(*claim)};
          return "listening";
        }) {
    REQUIRE(text() == "listening");
  }
};

bool has_waiting_client(int listener) {
  pollfd entry = {listener, POLLIN, 0};
  return poll(&entry, 1, 0) != 0;
}

} // namespace

TEST_CASE("pipe_name_claim holds a name until it is destroyed") {
  temp_directory directory;
  auto path = directory / "pipe";
  CHECK_FALSE(pipe_name_claim::is_held(path));
  {
    auto claim = pipe_name_claim::acquire(path);
    REQUIRE(claim);
    CHECK(claim->path() == path);
    CHECK(pipe_name_claim::is_held(path));
    CHECK(code_of_claim(path) == errc::pipe_in_use);
    CHECK(code_of_claim(directory / "other") == errc::none);
    CHECK(pipe_name_claim::is_held(path));
  }
  CHECK_FALSE(pipe_name_claim::is_held(path));
  CHECK(files_in(directory.path()).empty());
  CHECK(code_of_claim(path) == errc::none);
}

TEST_CASE("pipe_name_claim gives the name to the one it is moved to") {
  temp_directory directory;
  auto path = directory / "pipe";
  pipe_name_claim last;
  {
    auto claim = pipe_name_claim::acquire(path);
    REQUIRE(claim);
    pipe_name_claim next{std::move(*claim)};
    last = std::move(next);
  }
  CHECK(pipe_name_claim::is_held(path));
  CHECK(last.path() == path);
  last = pipe_name_claim{};
  CHECK_FALSE(pipe_name_claim::is_held(path));
  CHECK(files_in(directory.path()).empty());
}

TEST_CASE("pipe_name_claim::acquire names the process that holds the pipe") {
  temp_directory directory;
  auto path = directory / "pipe";
  server_process server{path};
  CHECK(pipe_name_claim::is_held(path));
  auto text = text_of_claim(path);
  CHECK(contains(text, "pipe_in_use"));
  CHECK(contains(text, "held by process " + std::to_string(server.pid())));
  // The refused attempt left all in place.
  CHECK(exists(path));
  CHECK(pipe_name_claim::is_held(path));
}

TEST_CASE("pipe_name_claim removes the socket that was bound") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto claim = std::make_unique<pipe_name_claim>(std::move(*pipe_name_claim::acquire(path)));
  auto fd = foreign_socket(path, SOCK_STREAM);
  claim->socket_bound();
  close(fd);
  claim.reset();
  CHECK(files_in(directory.path()).empty());
}

TEST_CASE("pipe_name_claim leaves a socket alone that is not its own") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto claim = std::make_unique<pipe_name_claim>(std::move(*pipe_name_claim::acquire(path)));
  int own = -1;
  SECTION("one that was faster to bind") {}
  SECTION("one that took the place of a removed one") {
    own = foreign_socket(path, SOCK_STREAM);
    claim->socket_bound();
    REQUIRE(unlink(path.c_str()) == 0);
  }
  auto other = foreign_socket(path, SOCK_STREAM);
  claim.reset();
  CHECK(exists(path));
  CHECK_FALSE(exists(path + ".lock"));
  close(own);
  close(other);
}

TEST_CASE("pipe_name_claim leaves the lock of a successor alone after its own was removed") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto first = std::make_unique<pipe_name_claim>(std::move(*pipe_name_claim::acquire(path)));
  REQUIRE(unlink((path + ".lock").c_str()) == 0);
  auto second = pipe_name_claim::acquire(path);
  REQUIRE(second);
  first.reset();
  CHECK(pipe_name_claim::is_held(path));
}

TEST_CASE("a forked child does not take the name away from its parent") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto claim = pipe_name_claim::acquire(path);
  REQUIRE(claim);
  auto fd = foreign_socket(path, SOCK_STREAM);
  claim->socket_bound();
  auto text = in_child([&]() -> std::string {
    pipe_name_claim{std::move(*claim)};
    return "destroyed";
  });
  CHECK(text == "destroyed");
  CHECK(exists(path));
  CHECK(pipe_name_claim::is_held(path));
  close(fd);
}

TEST_CASE("pipe_name_claim::acquire replaces the socket of a server that died") {
  temp_directory directory;
  auto path = directory / "pipe";
  server_process server{path};
  server.end();
  REQUIRE(exists(path));
  REQUIRE(exists(path + ".lock"));
  CHECK_FALSE(pipe_name_claim::is_held(path));
  {
    auto claim = pipe_name_claim::acquire(path);
    REQUIRE(claim);
    CHECK_FALSE(exists(path));
  }
  CHECK(files_in(directory.path()).empty());
}

TEST_CASE("pipe_name_claim::acquire does not wait for the socket of a server that died") {
  temp_directory directory;
  auto path = directory / "pipe";
  server_process server{path};
  server.end();
  // As the kernel leaves it for a moment: the lock is free, and somebody listens.
  REQUIRE(unlink(path.c_str()) == 0);
  auto listener = foreign_socket(path, SOCK_SEQPACKET);
  for (int attempt = 0; attempt < 3; ++attempt)
    CHECK(code_of_claim(path) == errc::pipe_busy);
  CHECK(exists(path));
  close(listener);
  CHECK(code_of_claim(path) == errc::none);
  CHECK(files_in(directory.path()).empty());
}

TEST_CASE("pipe_name_claim::acquire replaces a foreign program's dead socket") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto type = GENERATE(SOCK_SEQPACKET, SOCK_STREAM, SOCK_DGRAM);
  close(foreign_socket(path, type));
  CHECK(code_of_claim(path) == errc::none);
  CHECK(files_in(directory.path()).empty());
}

TEST_CASE("pipe_name_claim::acquire replaces a dead server's socket although a connection lives") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto listener = foreign_socket(path, SOCK_SEQPACKET);
  auto client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  REQUIRE(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  auto accepted = accept(listener, nullptr, nullptr);
  close(listener);
  CHECK(code_of_claim(path) == errc::none);
  close(accepted);
  close(client);
}

TEST_CASE("pipe_name_claim::acquire does not disturb a foreign program's live server") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto type = GENERATE(SOCK_SEQPACKET, SOCK_STREAM, SOCK_DGRAM);
  auto listening = GENERATE(true, false);
  auto fd = foreign_socket(path, type, listening);
  CHECK(code_of_claim(path) == errc::pipe_in_use);
  CHECK(files_in(directory.path()) == std::vector<std::string>{"pipe"});
  if (listening)
    CHECK_FALSE(has_waiting_client(fd));
  close(fd);
}

TEST_CASE("pipe_name_claim::acquire finds a live server whose path is spelled otherwise") {
  temp_directory directory;
  auto fd = foreign_socket(directory / "/./pipe", SOCK_SEQPACKET);
  CHECK(code_of_claim(directory / "pipe") == errc::pipe_in_use);
  CHECK_FALSE(has_waiting_client(fd));
  close(fd);
}

TEST_CASE("pipe_name_claim::acquire finds a live server of another network namespace") {
  temp_directory directory;
  auto path = directory / "pipe";
  child_process server{[&]() -> std::string {
    if (unshare(CLONE_NEWNET) != 0)
      return "no permission";
    foreign_socket(path, SOCK_STREAM);
    return "listening";
  }};
  if (server.text() == "no permission")
    test::skip("as an ordinary user: needs a network namespace");
  REQUIRE(server.text() == "listening");
  CHECK(code_of_claim(path) == errc::pipe_in_use);
}

TEST_CASE("pipe_name_claim::acquire never removes what is not a socket") {
  temp_directory directory;
  auto path = directory / "pipe";
  SECTION("a file") {
    make_file(path, "precious");
  }
  SECTION("a directory") {
    REQUIRE(mkdir(path.c_str(), 0700) == 0);
  }
  SECTION("a dangling link") {
    REQUIRE(symlink("nowhere", path.c_str()) == 0);
  }
  SECTION("a fifo") {
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  }
  CHECK(code_of_claim(path) == errc::not_a_pipe);
  CHECK(files_in(directory.path()) == std::vector<std::string>{"pipe"});
}

TEST_CASE("pipe_name_claim::acquire refuses a lock file that is not one of ours") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto lock = path + ".lock";
  SECTION("a link to a file of ours") {
    make_file(directory / "target");
    REQUIRE(symlink("target", lock.c_str()) == 0);
  }
  SECTION("a dangling link") {
    REQUIRE(symlink("target", lock.c_str()) == 0);
  }
  SECTION("a hard link") {
    make_file(directory / "target");
    REQUIRE(link((directory / "target").c_str(), lock.c_str()) == 0);
  }
  SECTION("a directory") {
    REQUIRE(mkdir(lock.c_str(), 0700) == 0);
  }
  SECTION("a fifo") {
    REQUIRE(mkfifo(lock.c_str(), 0600) == 0);
  }
  SECTION("a socket") {
    close(foreign_socket(lock, SOCK_STREAM));
  }
  SECTION("another program's file, which keeps its content") {
    make_file(lock, "[[package]]\n");
  }
  SECTION("another program's long number") {
    make_file(lock, std::string(21, '1'));
  }
  auto before = files_in(directory.path());
  auto text = text_of_file(lock);
  CHECK(code_of_claim(path) == errc::unsafe_directory);
  CHECK(files_in(directory.path()) == before);
  CHECK(text_of_file(lock) == text);
}

TEST_CASE("pipe_name_claim::acquire takes an empty lock file and one with a pid") {
  temp_directory directory;
  auto path = directory / "pipe";
  make_file(path + ".lock", GENERATE(as<std::string>{}, "", "1\n", "4194304\n"));
  {
    auto claim = pipe_name_claim::acquire(path);
    REQUIRE(claim);
    CHECK(text_of_file(path + ".lock") == std::to_string(getpid()) + "\n");
  }
  CHECK(files_in(directory.path()).empty());
}

TEST_CASE("pipe_name_claim::acquire refuses another user's lock file") {
  needs_root();
  temp_directory directory;
  auto path = directory / "pipe";
  REQUIRE(chmod(directory.path().c_str(), 01777) == 0);
  make_file(path + ".lock");
  REQUIRE(chmod((path + ".lock").c_str(), 0666) == 0);
  SECTION("as an ordinary user") {
    auto text = as_user(other_user, [&] { return text_of_claim(path); });
    CHECK(contains(text, "unsafe_directory"));
    CHECK(contains(text, "belongs to user 0"));
  }
  SECTION("as an ordinary user who may not even open it") {
    REQUIRE(chmod((path + ".lock").c_str(), 0600) == 0);
    CHECK(contains(as_user(other_user, [&] { return text_of_claim(path); }), "access_denied"));
  }
  SECTION("as root") {
    REQUIRE(chown((path + ".lock").c_str(), other_user, other_user) == 0);
    CHECK(code_of_claim(path) == errc::unsafe_directory);
  }
  CHECK(files_in(directory.path()) == std::vector<std::string>{"pipe.lock"});
}

TEST_CASE("pipe_name_claim::acquire reports a directory that may not be written to") {
  needs_root();
  temp_directory directory;
  REQUIRE(chmod(directory.path().c_str(), 0755) == 0);
  auto text = as_user(other_user, [&] { return text_of_claim(directory / "pipe"); });
  CHECK(contains(text, "access_denied"));
}

TEST_CASE("pipe_name_claim::acquire leaves another user's dead socket that it cannot judge") {
  needs_root();
  temp_directory directory;
  auto path = directory / "pipe";
  REQUIRE(chmod(directory.path().c_str(), 01777) == 0);
  close(foreign_socket(path, SOCK_STREAM));
  REQUIRE(chmod(path.c_str(), static_cast<mode_t>(GENERATE(0600, 0666))) == 0);
  auto text = as_user(other_user, [&] { return text_of_claim(path); });
  CHECK(contains(text, "access_denied"));
  CHECK(files_in(directory.path()) == std::vector<std::string>{"pipe"});
}

TEST_CASE("pipe_name_claim::acquire says that the directory does not exist") {
  temp_directory directory;
  auto text = text_of_claim(directory / "missing/pipe");
  CHECK(contains(text, "os_error"));
  CHECK(contains(text, "the directory does not exist: create " + directory / "missing"));
}

TEST_CASE("pipe_name_claim::acquire says that descriptors ran out") {
  temp_directory directory;
  auto text = in_child([&] {
    limit_descriptors(0);
    return text_of_claim(directory / "pipe");
  });
  CHECK(contains(text, "out_of_resources"));
  CHECK(contains(text, "ulimit -n"));
}

TEST_CASE("pipe_name_claim::acquire lets other users see that a shared name is held") {
  needs_root();
  temp_directory directory;
  auto path = directory / "pipe";
  REQUIRE(chmod(directory.path().c_str(), 0755) == 0);
  auto readable = GENERATE(false, true);
  // The lock file that a crashed server of the other kind left.
  make_file(path + ".lock", "1\n");
  REQUIRE(chmod((path + ".lock").c_str(), readable ? 0600 : 0666) == 0);
  auto claim = pipe_name_claim::acquire(path, readable);
  REQUIRE(claim);
  struct stat info;
  REQUIRE(lstat((path + ".lock").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == (readable ? 0644U : 0600U));
  auto text = as_user(other_user, [&]() -> std::string {
    return pipe_name_claim::is_held(path) ? "held" : "not held";
  });
  CHECK(text == (readable ? "held" : "not held"));
}

TEST_CASE("pipe_name_claim::acquire tells of another user's live server") {
  needs_root();
  temp_directory directory;
  auto path = directory / "pipe";
  REQUIRE(chmod(directory.path().c_str(), 01777) == 0);
  child_process server{[&]() -> std::string {
    if (!drop_to(other_user))
      return "cannot drop";
    auto claim = pipe_name_claim::acquire(path, true);
    if (!claim)
      return describe(claim.error());
    new pipe_name_claim{std::move(*claim)};
    return "claimed";
  }};
  REQUIRE(server.text() == "claimed");
  auto as_root = text_of_claim(path);
  auto as_third = as_user(other_user - 1, [&] { return text_of_claim(path); });
  for (auto& text : {as_root, as_third}) {
    CHECK(contains(text, "pipe_in_use"));
    CHECK(contains(text, "a server of user 65534 has it"));
  }
}

TEST_CASE("a user who can only read a lock file does not become a server by locking it") {
  needs_root();
  temp_directory directory;
  auto path = directory / "pipe";
  REQUIRE(chmod(directory.path().c_str(), 0755) == 0);
  make_file(path + ".lock", "1\n");
  REQUIRE(chmod((path + ".lock").c_str(), 0644) == 0);
  child_process reader{[&]() -> std::string {
    if (!drop_to(other_user))
      return "cannot drop";
    struct flock lock = {};
    lock.l_type = F_RDLCK;
    return fcntl(open((path + ".lock").c_str(), O_RDONLY), F_OFD_SETLK, &lock) == 0 ? "locked"
                                                                                    : "no lock";
  }};
  REQUIRE(reader.text() == "locked");
  CHECK_FALSE(pipe_name_claim::is_held(path));
  auto text = text_of_claim(path);
  CHECK(contains(text, "pipe_in_use"));
  CHECK(contains(text, path + ".lock: remove it"));
  unlink((path + ".lock").c_str());
  CHECK(code_of_claim(path) == errc::none);
}

TEST_CASE("pipe_name_claim::is_held touches nothing") {
  temp_directory directory;
  auto path = directory / "pipe";
  CHECK_FALSE(pipe_name_claim::is_held(path));
  CHECK_FALSE(pipe_name_claim::is_held(directory / "missing/pipe"));
  CHECK(files_in(directory.path()).empty());
  server_process server{path};
  auto descriptors = open_descriptors();
  for (int round = 0; round < 100; ++round)
    REQUIRE(pipe_name_claim::is_held(path));
  CHECK(open_descriptors() == descriptors);
  server.end();
  CHECK_FALSE(pipe_name_claim::is_held(path));
}
