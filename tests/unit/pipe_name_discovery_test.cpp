#include "pipeactor/error.hpp"
#include "port/linux/pipe_discovery.hpp"
#include "port/linux/pipe_name_claim.hpp"
#include "port/linux/unix_socket.hpp"

#include "skip.hpp"
#include "unix_helpers.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>

using namespace pipeactor;
using namespace pipeactor::port;
using namespace unix_helpers;

namespace {

using names = std::vector<std::string>;

names found_in(const std::string& directory, const std::string& pattern = "*") {
  names result;
  auto err = find_pipe_names_in(directory, pattern, result);
  CHECK(describe(err) == "no error");
  std::sort(result.begin(), result.end());
  return result;
}

/// A claimed name with a socket.
struct live_server {
  explicit live_server(const std::string& path, bool readable = false)
      : claim(std::move(*pipe_name_claim::acquire(path, readable))),
        socket(foreign_socket(path, SOCK_SEQPACKET)) {
    claim.socket_bound();
  }

  ~live_server() {
    close(socket);
  }

  pipe_name_claim claim;
  int socket;
};

} // namespace

TEST_CASE("find_pipe_names_in finds live servers that match and disturbs none") {
  temp_directory directory;
  live_server one{directory / "one"};
  live_server two{directory / "two"};
  CHECK(found_in(directory.path()) == names{"one", "two"});
  CHECK(found_in(directory.path(), "t*") == names{"two"});
  CHECK(found_in(directory.path(), "?ne") == names{"one"});
  CHECK(found_in(directory.path(), "three").empty());
  for (auto* server : {&one, &two}) {
    pollfd entry = {server->socket, POLLIN, 0};
    CHECK(poll(&entry, 1, 0) == 0);
  }
}

TEST_CASE("find_pipe_names_in finds live servers only") {
  temp_directory directory;
  live_server live{directory / "live"};
  make_file(directory / "file");
  close(foreign_socket(directory / "dead", SOCK_SEQPACKET));
  make_file(directory / "dead.lock", "1\n");
  auto fd = foreign_socket(directory / "other program", SOCK_SEQPACKET);
  auto claim = pipe_name_claim::acquire(directory / "not bound yet");
  auto file_claim = pipe_name_claim::acquire(directory / "claimed file");
  make_file(directory / "claimed file");
  REQUIRE(symlink("live", (directory / "link").c_str()) == 0);
  auto hidden = foreign_socket(directory / ".hidden", SOCK_SEQPACKET);
  auto hidden_claim = pipe_name_claim::acquire(directory / "hidden");
  CHECK(found_in(directory.path()) == names{"live"});
  close(fd);
  close(hidden);
}

TEST_CASE("find_pipe_names_in does not find a killed server") {
  temp_directory directory;
  child_process server{[&]() -> std::string {
    new live_server{directory / "pipe"};
    return "listening";
  }};
  REQUIRE(server.text() == "listening");
  CHECK(found_in(directory.path()) == names{"pipe"});
  server.end();
  CHECK(exists(directory / "pipe"));
  CHECK(found_in(directory.path()).empty());
}

TEST_CASE("find_pipe_names_in leaves no descriptor, and finds nothing in a missing directory") {
  temp_directory directory;
  live_server one{directory / "one"};
  auto descriptors = open_descriptors();
  for (int round = 0; round < 100; ++round)
    found_in(directory.path());
  CHECK(open_descriptors() == descriptors);
  CHECK(found_in(directory / "missing").empty());
}

TEST_CASE("find_pipe_names_in finds what other users may see") {
  needs_root();
  temp_directory directory;
  REQUIRE(chmod(directory.path().c_str(), 0755) == 0);
  live_server shared{directory / "shared", true};
  live_server own{directory / "own"};
  auto text = as_user(other_user, [&] {
    std::string result;
    for (auto& name : found_in(directory.path()))
      result += name + " ";
    return result;
  });
  CHECK(text == "shared ");
}

TEST_CASE("find_pipe_names needs no directory to be there") {
  needs_root();
  // Nobody has used this user's directory.
  auto user = 1100000000U + static_cast<unsigned>(getpid());
  auto text = as_user(user, [] {
    auto found = find_pipe_names("no such pipe?");
    return found ? std::to_string(found->size()) : describe(found.error());
  });
  CHECK(text == "0");
}

// In a mount namespace, where /run/user is empty at first: a machine before its users log in.
TEST_CASE("a server that started before /run/user/<uid> appeared is found, and keeps its name") {
  if (!is_root())
    test::skip("as an ordinary user: needs a mount namespace");
  auto user = 1'000'000 + static_cast<unsigned>(getpid());
  auto number = std::to_string(user);
  auto told = in_child([&]() -> std::string {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return "no namespace";
    mkdir("/run/user", 0755);
    if (mount("tmpfs", "/run/user", "tmpfs", 0, "mode=755") != 0)
      return "no namespace";
    auto listen = [&] {
      auto listener = listen_unix({"svc", pipe_mode::message, 8});
      return listener ? listener->claim.path() : to_string(code_of(listener.error()));
    };
    child_process server{[&]() -> std::string {
      if (!drop_to(user))
        return "cannot drop";
      auto listener = listen_unix({"svc", pipe_mode::message, 8});
      if (!listener)
        return describe(listener.error());
      static auto kept = std::move(*listener);
      return kept.claim.path();
    }};
    auto result = server.text();
    auto home = "/run/user/" + number;
    if (mkdir(home.c_str(), 0700) != 0 || chown(home.c_str(), user, user) != 0)
      return "no home";
    result += " " + as_user(user, [] {
                auto fd = connect_unix("svc", pipe_mode::message);
                return fd ? std::string{"connected"} : describe(fd.error());
              });
    result += " " + as_user(user, [] {
                auto names = find_pipe_names("s*");
                return names && names->size() == 1 ? names->front() : std::string{"not found"};
              });
    result += " " + as_user(user, listen);
    server.end();
    result += " " + as_user(user, listen);
    return result;
  });
  auto directory = "/tmp/pipeactor-" + number;
  for (auto& name : files_in(directory))
    unlink((directory + "/" + name).c_str());
  rmdir(directory.c_str());
  if (told == "no namespace")
    test::skip("in this container: needs a mount namespace");
  CHECK(told
        == directory + "/svc connected svc pipe_in_use /run/user/" + number + "/pipeactor/svc");
}

TEST_CASE("a name that a server of the user's own and a shared one have is found once") {
  if (!is_root())
    test::skip("as an ordinary user: needs a mount namespace");
  auto told = in_child([]() -> std::string {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0
        || mount("tmpfs", "/run", "tmpfs", 0, "mode=755") != 0)
      return "no namespace";
    for (auto* directory : {"/run/user", "/run/user/0", "/run/pipeactor"})
      mkdir(directory, 0700);
    if (chmod("/run/user", 0755) != 0 || chmod("/run/pipeactor", 01777) != 0)
      return "no directories";
    auto ours = listen_unix({"svc", pipe_mode::message, 8});
    listen_request for_all{"svc", pipe_mode::message, 8};
    for_all.access.kind = pipe_access::kind::everyone;
    auto shared = listen_unix(for_all);
    if (!ours || !shared)
      return "cannot listen";
    std::string result;
    auto names = find_pipe_names("svc*");
    if (!names)
      return describe(names.error());
    for (auto& name : *names)
      result += name + " ";
    return result;
  });
  if (told == "no namespace")
    test::skip("in this container: needs a mount namespace");
  CHECK(told == "svc ");
}
