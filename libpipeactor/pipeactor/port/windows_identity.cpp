#include "pipeactor/port/windows_identity.hpp"

#include "pipeactor/port/windows_pipe.hpp"

#include <sddl.h>

#include <cstdlib>

namespace pipeactor::port {

namespace {

/// Returns whose token it is.
std::string user_of(HANDLE token) {
  // TOKEN_USER and the longest SID behind it (winnt.h, SECURITY_MAX_SID_SIZE).
  alignas(TOKEN_USER) std::byte buffer[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
  DWORD size = 0;
  LPSTR text = nullptr;
  if (!GetTokenInformation(token, TokenUser, buffer, sizeof(buffer), &size)
      || !ConvertSidToStringSidA(reinterpret_cast<TOKEN_USER*>(buffer)->User.Sid, &text))
    return {};
  std::string result{text};
  LocalFree(text);
  return result;
}

std::string user_of_process(HANDLE process) {
  HANDLE token = nullptr;
  if (!OpenProcessToken(process, TOKEN_QUERY, &token))
    return {};
  unique_handle owner{token};
  return user_of(token);
}

std::string user_of_process(DWORD pid) {
  unique_handle process{OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid)};
  return process ? user_of_process(process.get()) : std::string{};
}

/// Takes the client's identity for a moment: the one that it opened the pipe with, also where its
/// process has ended since and another one has its id.
std::string user_of_client(HANDLE pipe) {
  if (!ImpersonateNamedPipeClient(pipe))
    return {};
  HANDLE token = nullptr;
  auto opened = OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token);
  // A thread that goes on as somebody else is not to be had.
  if (!RevertToSelf())
    std::abort();
  if (!opened)
    return {};
  unique_handle owner{token};
  return user_of(token);
}

} // namespace

const std::string& current_user_sid() {
  static const auto result = user_of_process(GetCurrentProcess());
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
    result.sid = user_of_client(pipe);
  } else if (GetNamedPipeServerProcessId(pipe, &pid)) {
    result.pid = pid;
  }
  if (result.sid.empty() && pid != 0)
    result.sid = user_of_process(pid);
  return result;
}

} // namespace pipeactor::port
