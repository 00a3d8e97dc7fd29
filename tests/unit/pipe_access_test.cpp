#include "pipeactor/pipe_access.hpp"
#include "pipeactor/error.hpp"
#include "port/principal.hpp"
#include "port/resolved_access.hpp"

#include "unix_helpers.hpp"

using namespace pipeactor;
using namespace pipeactor::port;
using namespace unix_helpers;

namespace {

constexpr int64_t stranger = 1234567;

peer_identity peer(int64_t uid, int64_t gid, std::vector<int64_t> groups = {}) {
  peer_identity result;
  result.pid = 4711;
  result.uid = uid;
  result.gid = gid;
  result.groups = std::move(groups);
  return result;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("an access is written as the text it was read from") {
  auto text = GENERATE(as<std::string>{}, "owner", "group", "group:staff", "group:50", "everyone",
                       "list:alice", "list:alice,@staff,1000,@50");
  auto access = pipe_access::parse(text);
  REQUIRE(access);
  CHECK(to_string(*access) == text);
}

TEST_CASE("an access read from a text equals one made by a function") {
  CHECK(*pipe_access::parse("owner") == pipe_access::owner());
  CHECK(*pipe_access::parse("owner") == pipe_access{});
  CHECK(*pipe_access::parse("group") == pipe_access::group());
  CHECK(*pipe_access::parse("group:staff") == pipe_access::group("staff"));
  CHECK(*pipe_access::parse("everyone") == pipe_access::everyone());
  CHECK(*pipe_access::parse("list:a,@b") == pipe_access::list({"a", "@b"}));
  CHECK(pipe_access::group("a") != pipe_access::group("b"));
  CHECK(pipe_access::group("a") != pipe_access::list({"@a"}));
}

TEST_CASE("a text that is no access is refused, and the error lists the valid ones") {
  auto text = GENERATE(as<std::string>{}, "", "Owner", "all", "group:", "list:", "list", "owner ",
                       "list:,", "list:a,", "list:,@b", "list:a,,b", "list:@", "list:a,@");
  auto access = pipe_access::parse(text);
  REQUIRE_FALSE(access);
  CHECK(code_of(access.error()) == errc::invalid_option);
  CHECK(contains(describe(access.error()), "use owner, group, group:NAME, everyone or list:"));
}

TEST_CASE("root and this process's user are admitted whatever the access is") {
  auto access = resolve(GENERATE(pipe_access::owner(), pipe_access::group("4000000"),
                                 pipe_access::everyone(), pipe_access::list({"4000000"})));
  REQUIRE(access);
  CHECK(access->admits(peer(0, stranger)));
  CHECK(access->admits(peer(geteuid(), stranger)));
}

TEST_CASE("root is admitted by a server of any other user") {
  resolved_access access;
  access.users = {stranger};
  CHECK(access.admits(peer(0, 0)));
  CHECK(access.admits(peer(stranger, 1)));
  CHECK_FALSE(access.admits(peer(stranger + 1, 0)));
}

TEST_CASE("owner admits no other user, whatever their groups") {
  auto access = resolve(pipe_access::owner());
  REQUIRE(access);
  CHECK_FALSE(access->admits(peer(stranger, 0, {0})));
  CHECK_FALSE(access->admits(peer(stranger, getegid())));
}

TEST_CASE("everyone admits everyone") {
  auto access = resolve(pipe_access::everyone());
  REQUIRE(access);
  CHECK(access->admits(peer(stranger, stranger)));
  CHECK(access->admits(peer_identity{}));
}

TEST_CASE("a group admits users whose primary or supplementary group it is") {
  auto access = resolve(pipe_access::group("50"));
  REQUIRE(access);
  CHECK(access->admits(peer(stranger, 50)));
  CHECK(access->admits(peer(stranger, stranger, {7, 50})));
  CHECK_FALSE(access->admits(peer(stranger, 51, {7})));
  CHECK_FALSE(access->admits(peer(50, 51)));
}

TEST_CASE("a group without a name is that of this process") {
  auto access = resolve(pipe_access::group());
  REQUIRE(access);
  CHECK(access->admits(peer(stranger, getegid())));
  CHECK_FALSE(access->admits(peer(stranger, stranger)));
}

TEST_CASE("a list admits its users and the members of its groups") {
  auto access = resolve(pipe_access::list({"1000", "@50", "1001"}));
  REQUIRE(access);
  CHECK(access->admits(peer(1000, stranger)));
  CHECK(access->admits(peer(1001, stranger)));
  CHECK(access->admits(peer(stranger, 50)));
  CHECK(access->admits(peer(stranger, stranger, {50})));
  CHECK_FALSE(access->admits(peer(50, stranger)));
  CHECK_FALSE(access->admits(peer(stranger, 1000, {1001})));
}

TEST_CASE("a peer that the kernel does not identify is admitted by everyone only") {
  CHECK_FALSE(resolve(pipe_access::owner())->admits(peer_identity{}));
  CHECK_FALSE(resolve(pipe_access::group("50"))->admits(peer_identity{}));
  CHECK_FALSE(resolve(pipe_access::list({"1000", "@50"}))->admits(peer_identity{}));
  CHECK_FALSE(resolved_access{}.admits(peer_identity{}));
}

TEST_CASE("a process that does not know itself admits no other that is unknown") {
  peer_identity unknown;
  for (auto& access : {pipe_access::owner(), pipe_access::group(), pipe_access::list({"1000"})}) {
    auto resolved = resolve(access, unknown);
    REQUIRE(resolved);
    CHECK_FALSE(resolved->admits(unknown));
    CHECK_FALSE(resolved->admits(peer(stranger, stranger)));
    CHECK(resolved->admits(peer(0, stranger)));
  }
}

TEST_CASE("names of users and groups are looked up") {
  CHECK(find_user("root")->id == 0);
  CHECK(find_group("root")->id == 0);
  CHECK(resolve(pipe_access::list({"daemon", "@daemon"}))->users.back() == find_user("daemon")->id);
  CHECK(find_user("4294967294")->id == 4294967294);
  CHECK(find_group("007")->id == 7);
}

TEST_CASE("an error names a name that is unknown") {
  auto [access, text] = GENERATE(table<pipe_access, std::string>(
    {{pipe_access::group("no-such-group"), "no group named 'no-such-group'"},
     {pipe_access::list({"root", "no-such-user"}), "no user named 'no-such-user'"},
     {pipe_access::list({"@no-such-group"}), "no group named 'no-such-group'"},
     {pipe_access::list({""}), "no user named ''"},
     {pipe_access::list({"@"}), "no group named ''"},
     {pipe_access::list({"-1"}), "no user named '-1'"},
     {pipe_access::list({"4294967295"}), "no user id 4294967295"},
     {pipe_access::list({"99999999999999999999"}), "no user id"},
     {pipe_access::list({}), "names nobody"}}));
  auto resolved = resolve(access);
  REQUIRE_FALSE(resolved);
  CHECK(code_of(resolved.error()) == errc::invalid_option);
  CHECK(contains(describe(resolved.error()), text));
}

TEST_CASE("this process knows what its peers learn about it") {
  auto self = this_process();
  CHECK(self.pid == getpid());
  CHECK(self.uid == geteuid());
  CHECK(self.gid == getegid());
  CHECK(self.groups.size() == static_cast<size_t>(getgroups(0, nullptr)));
}

TEST_CASE("an identity is described with names") {
  CHECK(describe(peer(0, 0)) == "pid 4711, uid 0 (root), gid 0 (root)");
  CHECK(describe(peer(stranger, 0, {0, stranger}))
        == "pid 4711, uid 1234567, gid 0 (root), groups 0 (root) 1234567");
  CHECK(describe(peer_identity{}) == "pid unknown, uid unknown, gid unknown");
  CHECK(to_string(peer(0, 1)) == "pid 4711, uid 0, gid 1");
}

TEST_CASE("an identity is described by its numbers while no descriptor is free to look up names") {
  // Not root: some systems know that name without a file.
  auto text = in_child([] {
    auto before = describe(peer(1, 1));
    limit_descriptors(0);
    return before + "; " + describe(peer(1, 1, {1}));
  });
  CHECK(text == "pid 4711, uid 1 (daemon), gid 1 (daemon); pid 4711, uid 1, gid 1, groups 1");
}
