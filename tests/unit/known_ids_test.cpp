#include "port/linux/known_ids.hpp"

#include "pipeactor/peer_identity.hpp"
#include "port/linux/pipe_name.hpp"
#include "port/linux/unix_socket.hpp"

#include "skip.hpp"
#include "unix_helpers.hpp"

#include <sched.h>

using namespace pipeactor;
using namespace pipeactor::port;
using namespace unix_helpers;

namespace {

/// Runs `body` in a process of another user, who has no number in its user namespace.
template <class F>
std::string as_unknown_user(F body) {
  auto text = in_child([&]() -> std::string {
    if (is_root() && !drop_to(other_user - 1))
      return "cannot drop";
    return unshare(CLONE_NEWUSER) == 0 ? body() : "no namespace";
  });
  if (text == "no namespace")
    test::skip("in this container: needs user namespaces");
  return text;
}

} // namespace

TEST_CASE("the overflow user is a user like any other if all users have numbers") {
  CHECK(known_user(0) == 0);
  CHECK(known_user(1000) == 1000);
  CHECK(known_user(other_user) == other_user);
  CHECK(known_group(other_user) == other_user);
  CHECK(known_user(static_cast<uid_t>(-1)) == -1);
  CHECK(known_group(static_cast<gid_t>(-1)) == -1);
}

TEST_CASE("the overflow id is known if all ids have a number, in one range or several") {
  temp_directory directory;
  auto map = directory / "map";
  auto known = [&](const char* ranges, uint32_t id) {
    make_file(map, ranges);
    return known_id(id, 65534, map.c_str());
  };
  CHECK(known("0 0 4294967295\n", 65534) == 65534);
  CHECK(known("0 100000 65536\n65536 0 4294901759\n", 65534) == 65534);
  for (auto* part : {"", "0 1000 1\n", "0 100000 65536\n", "0 0 4294967294\n"}) {
    CAPTURE(part);
    CHECK(known(part, 65534) == -1);
    CHECK(known(part, 65533) == 65533);
  }
  CHECK(known_id(65534, 65534, (directory / "missing").c_str()) == -1);
}

TEST_CASE("a user or group that has no number in a user namespace is unknown") {
  CHECK(as_unknown_user([]() -> std::string {
          if (geteuid() != 65534 || known_user(geteuid()) != -1 || known_group(getegid()) != -1)
            return "known";
          auto self = this_process();
          if (self.uid != -1 || self.gid != -1 || !self.groups.empty())
            return "this process: " + to_string(self);
          int ends[2];
          if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
            return "no sockets";
          auto peer = peer_of(ends[0]);
          return peer.uid == -1 && peer.gid == -1 && peer.groups.empty() && peer.pid == getpid()
                   ? "unknown"
                   : to_string(peer);
        })
        == "unknown");
}

TEST_CASE("an unknown user is neither admitted nor trusted, whatever the access names") {
  CHECK(as_unknown_user([]() -> std::string {
          auto stranger = this_process();
          for (auto& access :
               {pipe_access::owner(), pipe_access::group(), pipe_access::list({"65534"}),
                pipe_access::list({"@65534"}), pipe_access::group("65534")}) {
            auto resolved = resolve(access);
            if (resolved && resolved->admits(stranger))
              return "admitted by " + to_string(access);
          }
          return "refused";
        })
        == "refused");
}

TEST_CASE("a directory of an unknown user is refused") {
  temp_directory directory;
  REQUIRE(chmod(directory.path().c_str(), 0777) == 0);
  auto own = directory / "own";
  CHECK(as_unknown_user([&] { return to_string(code_of(prepare_directory(own))); })
        == "unsafe_directory");
}
