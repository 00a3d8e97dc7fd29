// Who may connect, on Windows: the names that are looked up, and the descriptor that the system is
// given. Wine lets everybody in whatever it says.

#include "port/windows/windows_access.hpp"
#include "pipeactor/error.hpp"
#include "pipeactor/pipe_access.hpp"
#include "port/completion_port.hpp"
#include "port/principal.hpp"
#include "port/resolved_access.hpp"
#include "port/windows/windows_identity.hpp"

#include <aclapi.h>
#include <sddl.h>

#include <catch2/catch.hpp>

using namespace pipeactor;
using namespace pipeactor::port;

namespace {

constexpr auto some_user = "S-1-5-21-1-2-3-1001";
constexpr auto other_user = "S-1-5-21-1-2-3-1002";
constexpr auto users = "S-1-5-32-545";
constexpr auto network = "S-1-5-2";
constexpr auto local_system = "S-1-5-18";
constexpr auto authenticated = "S-1-5-11";

constexpr DWORD rights_of_clients = 0x12019b;

peer_identity peer(std::string sid, std::vector<std::string> group_sids = {}) {
  peer_identity result;
  result.sid = std::move(sid);
  result.group_sids = std::move(group_sids);
  return result;
}

/// Returns the name that the system has for a SID.
std::string name_of(const std::string& text) {
  PSID sid = nullptr;
  REQUIRE(ConvertStringSidToSidA(text.c_str(), &sid));
  char name[256];
  char domain[256];
  DWORD name_size = sizeof(name);
  DWORD domain_size = sizeof(domain);
  SID_NAME_USE use = SidTypeUnknown;
  auto found = LookupAccountSidA(nullptr, sid, name, &name_size, domain, &domain_size, &use);
  LocalFree(sid);
  REQUIRE(found);
  return name;
}

/// One entry of a descriptor's list.
struct entry {
  bool allows;
  std::string sid;
  DWORD rights;

  friend bool operator==(const entry& lhs, const entry& rhs) {
    return lhs.allows == rhs.allows && lhs.sid == rhs.sid && lhs.rights == rhs.rights;
  }
};

std::ostream& operator<<(std::ostream& out, const entry& x) {
  return out << (x.allows ? "allow " : "deny ") << x.sid << " " << std::hex << x.rights;
}

/// Returns what the system has made of an access.
std::vector<entry> entries_of(const pipe_access& access) {
  auto resolved = resolve(access);
  REQUIRE(resolved);
  auto descriptor = security_descriptor::make(*resolved);
  REQUIRE(descriptor);
  SECURITY_DESCRIPTOR_CONTROL control = 0;
  DWORD revision = 0;
  REQUIRE(GetSecurityDescriptorControl(descriptor->get(), &control, &revision));
  CHECK((control & SE_DACL_PROTECTED) != 0);
  BOOL present = FALSE;
  BOOL defaulted = TRUE;
  ACL* list = nullptr;
  REQUIRE(GetSecurityDescriptorDacl(descriptor->get(), &present, &list, &defaulted));
  // No list at all would let everybody do everything.
  REQUIRE((present && list != nullptr));
  std::vector<entry> result;
  for (DWORD index = 0; index < list->AceCount; ++index) {
    void* ace = nullptr;
    REQUIRE(GetAce(list, index, &ace));
    // An entry that denies has the same layout.
    auto& found = *static_cast<ACCESS_ALLOWED_ACE*>(ace);
    LPSTR text = nullptr;
    REQUIRE(ConvertSidToStringSidA(&found.SidStart, &text));
    result.push_back({found.Header.AceType == ACCESS_ALLOWED_ACE_TYPE, text, found.Mask});
    LocalFree(text);
  }
  return result;
}

/// Those that every access has: nobody over the network, this user, and LocalSystem.
std::vector<entry> with_common(std::vector<entry> others) {
  std::vector<entry> result{{false, network, FILE_ALL_ACCESS},
                            {true, current_process().sid, FILE_ALL_ACCESS},
                            {true, local_system, rights_of_clients}};
  result.insert(result.end(), others.begin(), others.end());
  return result;
}

} // namespace

// -- what the system is given -----------------------------------------------------------------

TEST_CASE("the descriptor of owner lets in this user and LocalSystem, and nobody by network") {
  CHECK(entries_of(pipe_access::owner()) == with_common({}));
}

TEST_CASE("the descriptor of everyone lets in all users who have logged on") {
  CHECK(entries_of(pipe_access::everyone())
        == with_common({{true, authenticated, rights_of_clients}}));
}

TEST_CASE("the descriptor of a list names its users and groups") {
  auto access = pipe_access::list({some_user, std::string{"@"} + users, other_user});
  CHECK(entries_of(access)
        == with_common({{true, some_user, rights_of_clients},
                        {true, other_user, rights_of_clients},
                        {true, users, rights_of_clients}}));
}

TEST_CASE("the descriptor of a group names it, or this process's group if it has no name") {
  CHECK(entries_of(pipe_access::group(users)) == with_common({{true, users, rights_of_clients}}));
  auto own = current_process().group_sid;
  REQUIRE(own.compare(0, 4, "S-1-") == 0);
  CHECK(entries_of(pipe_access::group()) == with_common({{true, own, rights_of_clients}}));
}

TEST_CASE("a descriptor keeps this user's rights, even if the list names this user") {
  CHECK(entries_of(pipe_access::list({current_process().sid})) == with_common({}));
}

TEST_CASE("a number names nobody on Windows") {
  CHECK(entries_of(pipe_access::list({"1000", "@50"})) == with_common({}));
}

TEST_CASE("the rights of clients do not include making instances") {
  CHECK((rights_of_clients & FILE_CREATE_PIPE_INSTANCE) == 0);
  CHECK((rights_of_clients & FILE_GENERIC_READ) == FILE_GENERIC_READ);
  CHECK((rights_of_clients & FILE_WRITE_DATA) != 0);
  CHECK((rights_of_clients & FILE_WRITE_ATTRIBUTES) != 0);
  CHECK((rights_of_clients | FILE_CREATE_PIPE_INSTANCE)
        == (FILE_GENERIC_READ | FILE_GENERIC_WRITE));
}

TEST_CASE("the system itself turns away users who are not admitted") {
  auto port = make_completion_port(port_kind::iocp, std::chrono::microseconds{0});
  REQUIRE(port);
  CHECK((*port)->guards_access());
}

// -- names ------------------------------------------------------------------------------------

TEST_CASE("names of users and groups are looked up") {
  auto self = current_process().sid;
  CHECK(find_user(name_of(self))->sid == self);
  CHECK(find_group(name_of(users))->sid == users);
  CHECK(find_user(name_of(local_system))->sid == local_system);
}

TEST_CASE("a security identifier stands for itself") {
  CHECK(find_user(some_user)->sid == some_user);
  CHECK(find_group(users)->sid == users);
  CHECK(find_group(users)->id == -1);
}

TEST_CASE("an error names a name that is unknown or of the other kind") {
  auto user = name_of(current_process().sid);
  auto group = name_of(users);
  auto [access, text] = GENERATE_COPY(table<pipe_access, std::string>(
    {{pipe_access::group("no-such-group"), "no group named 'no-such-group'"},
     {pipe_access::list({some_user, "no-such-user"}), "no user named 'no-such-user'"},
     {pipe_access::list({group}), "no user named '" + group + "'"},
     {pipe_access::group(user), "no group named '" + user + "'"},
     {pipe_access::list({"S-1-nonsense"}), "'S-1-nonsense': it is no security identifier"},
     {pipe_access::list({"\xff"}), "no user named"},
     {pipe_access::list({""}), "no user named ''"},
     {pipe_access::list({"@"}), "no group named ''"},
     {pipe_access::list({}), "names nobody"}}));
  auto resolved = resolve(access);
  REQUIRE_FALSE(resolved);
  CHECK(code_of(resolved.error()) == errc::invalid_option);
  CHECK(describe(resolved.error()).find(text) != std::string::npos);
}

// -- whom a client trusts ---------------------------------------------------------------------

TEST_CASE("owner admits this user and LocalSystem, but no other and no unknown user") {
  auto access = resolve(pipe_access::owner());
  REQUIRE(access);
  CHECK_FALSE(access->admits(peer_identity{}));
  CHECK_FALSE(access->admits(peer(some_user, {users})));
  CHECK(access->admits(peer(local_system)));
  CHECK(access->admits(this_process()));
  CHECK(to_string(peer(some_user)) == std::string{"pid unknown, sid "} + some_user);
}

TEST_CASE("a list admits its users and the members of its groups") {
  auto access = resolve(pipe_access::list({some_user, std::string{"@"} + users}));
  REQUIRE(access);
  CHECK(access->admits(peer(some_user)));
  CHECK(access->admits(peer(other_user, {"S-1-1-0", users})));
  CHECK_FALSE(access->admits(peer(other_user, {"S-1-1-0"})));
  CHECK_FALSE(access->admits(peer(users)));
  CHECK_FALSE(access->admits(peer(other_user, {some_user})));
  CHECK_FALSE(access->admits(peer_identity{}));
}
