#include "port/windows/windows_identity.hpp"

#include "base/errors.hpp"
#include "port/windows/unique_handle.hpp"
#include "port/windows/wide_text.hpp"

#include <sddl.h>

#include <cstdlib>
#include <vector>

namespace pipeactor::port {

namespace {

/// The longest name of DNS, with a NUL.
constexpr DWORD longest_domain = 256;
constexpr const char* unknown_name = "use a name of this system or its domain, or a SID";

/// Returns an empty string if the system cannot write the SID.
std::string to_text(PSID sid) {
  LPSTR text = nullptr;
  if (!ConvertSidToStringSidA(sid, &text))
    return {};
  std::string result{text};
  LocalFree(text);
  return result;
}

/// Returns information of a token, in memory that is aligned for any of its structures; nothing if
/// the token does not have it.
std::vector<std::byte> ask(HANDLE token, TOKEN_INFORMATION_CLASS what) {
  DWORD size = 0;
  GetTokenInformation(token, what, nullptr, 0, &size);
  std::vector<std::byte> result(size);
  if (size == 0 || !GetTokenInformation(token, what, result.data(), size, &size))
    return {};
  return result;
}

/// Adds the user and the groups that a token names.
void identify(HANDLE token, peer_identity& who) {
  auto user = ask(token, TokenUser);
  if (user.empty())
    return;
  who.sid = to_text(reinterpret_cast<TOKEN_USER*>(user.data())->User.Sid);
  if (auto primary = ask(token, TokenPrimaryGroup); !primary.empty())
    who.group_sid = to_text(reinterpret_cast<TOKEN_PRIMARY_GROUP*>(primary.data())->PrimaryGroup);
  auto groups = ask(token, TokenGroups);
  if (groups.empty())
    return;
  auto* all = reinterpret_cast<TOKEN_GROUPS*>(groups.data());
  for (DWORD index = 0; index < all->GroupCount; ++index) {
    auto& group = all->Groups[index];
    // A group that is not enabled gives no rights. An administrator's group is not until the user
    // has confirmed a prompt (User Account Control).
    if ((group.Attributes & SE_GROUP_ENABLED) != 0
        && (group.Attributes & SE_GROUP_USE_FOR_DENY_ONLY) == 0)
      who.group_sids.push_back(to_text(group.Sid));
  }
}

void identify_process(HANDLE process, peer_identity& who) {
  HANDLE token = nullptr;
  if (!OpenProcessToken(process, TOKEN_QUERY, &token))
    return;
  unique_handle owner{token};
  identify(token, who);
}

/// Takes the client's identity for a moment: the one that it opened the pipe with. That holds even
/// if its process has ended since and another process has its id.
void identify_client(HANDLE pipe, peer_identity& who) {
  if (!ImpersonateNamedPipeClient(pipe))
    return;
  HANDLE token = nullptr;
  auto opened = OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token);
  // This thread would go on with the rights of the client.
  if (!RevertToSelf())
    std::abort();
  if (!opened)
    return;
  unique_handle owner{token};
  identify(token, who);
}

bool is_of_kind(SID_NAME_USE use, principal_kind kind) {
  switch (use) {
  case SidTypeWellKnownGroup: // also the users of some processes: SYSTEM, LOCAL SERVICE
    return true;
  case SidTypeUser:
  case SidTypeComputer:
    return kind == principal_kind::user;
  case SidTypeGroup:
  case SidTypeAlias:
    return kind == principal_kind::group;
  default:
    return false;
  }
}

} // namespace

const peer_identity& current_process() {
  static const auto result = [] {
    peer_identity who;
    who.pid = GetCurrentProcessId();
    identify_process(GetCurrentProcess(), who);
    return who;
  }();
  return result;
}

peer_identity peer_of(HANDLE pipe) {
  peer_identity result;
  DWORD flags = 0;
  if (!GetNamedPipeInfo(pipe, &flags, nullptr, nullptr, nullptr))
    return result;
  ULONG pid = 0;
  if ((flags & PIPE_SERVER_END) != 0) {
    if (GetNamedPipeClientProcessId(pipe, &pid))
      result.pid = pid;
    identify_client(pipe, result);
  } else if (GetNamedPipeServerProcessId(pipe, &pid)) {
    result.pid = pid;
  }
  if (!result.sid.empty() || pid == 0)
    return result;
  if (unique_handle process{OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid)})
    identify_process(process.get(), result);
  return result;
}

caf::expected<std::string> find_sid(principal_kind kind, const std::string& name) {
  auto what = std::string{kind == principal_kind::user ? "user" : "group"};
  if (name.compare(0, 4, "S-1-") == 0) {
    PSID sid = nullptr;
    if (!ConvertStringSidToSidA(name.c_str(), &sid))
      return errors::no_such_principal(what, name,
                                       "it is no security identifier: use S-1-..., or a name");
    // In the system's own spelling.
    auto result = to_text(sid);
    LocalFree(sid);
    return result;
  }
  auto wide = to_wide(name);
  if (name.empty() || wide.empty())
    return errors::no_such_principal(what, name, unknown_name);
  std::byte sid[SECURITY_MAX_SID_SIZE];
  DWORD sid_size = sizeof(sid);
  wchar_t domain[longest_domain];
  DWORD domain_size = longest_domain;
  SID_NAME_USE use = SidTypeUnknown;
  if (!LookupAccountNameW(nullptr, wide.c_str(), sid, &sid_size, domain, &domain_size, &use)) {
    auto code = GetLastError();
    if (code == ERROR_NONE_MAPPED)
      return errors::no_such_principal(what, name, unknown_name);
    return make_error(errc::os_error, "cannot look up the " + what + " '" + name + "'",
                      static_cast<int>(code));
  }
  if (!is_of_kind(use, kind))
    return errors::no_such_principal(what, name,
                                     "something else has that name: write @ before a group's name");
  return to_text(sid);
}

} // namespace pipeactor::port
