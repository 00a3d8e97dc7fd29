#include "port/windows/windows_pipe.hpp"

#include "pipeactor/error.hpp"
#include "port/windows/pipe_name.hpp"
#include "port/windows/windows_identity.hpp"

#include <sddl.h>

namespace pipeactor::port {

namespace {

/// What either direction holds before writes wait. A message that is longer passes all the same,
/// as it is read.
constexpr DWORD pipe_quota = 65536;

/// All of a pipe's rights but the one to make instances, which is FILE_APPEND_DATA
/// (Named Pipe Security and Access Rights; GENERIC_WRITE would include it).
constexpr const char* client_rights = "0x12019b";

struct translation {
  DWORD code;
  errc meaning;
  const char* advice;
};

constexpr translation translations[] = {
  {ERROR_ACCESS_DENIED, errc::access_denied, "run as a user whom the server admits"},
  {ERROR_FILE_NOT_FOUND, errc::no_such_pipe, "start the server first"},
  {ERROR_PATH_NOT_FOUND, errc::no_such_pipe, "start the server first"},
  {ERROR_PIPE_BUSY, errc::pipe_busy, "all instances of the server are taken: try again"},
  {ERROR_SEM_TIMEOUT, errc::pipe_busy, "all instances of the server are taken: try again"},
  {ERROR_INVALID_NAME, errc::invalid_pipe_name, "Windows does not take such a name"},
  {ERROR_BROKEN_PIPE, errc::closed_by_peer, "the other end is closed"},
  {ERROR_NO_DATA, errc::closed_by_peer, "the other end is closed"},
  {ERROR_PIPE_NOT_CONNECTED, errc::closed_by_peer, "the other end is closed"},
  {ERROR_OPERATION_ABORTED, errc::operation_aborted, "it was cancelled"},
  {ERROR_NOT_ENOUGH_MEMORY, errc::out_of_resources, "there is no memory left"},
  {ERROR_OUTOFMEMORY, errc::out_of_resources, "there is no memory left"},
  {ERROR_NO_SYSTEM_RESOURCES, errc::out_of_resources, "the system has no resources left"},
  {ERROR_NOT_ENOUGH_QUOTA, errc::out_of_resources, "the quota of this process is used up"},
  {ERROR_TOO_MANY_OPEN_FILES, errc::out_of_resources, "this process has too many handles"},
};

caf::expected<std::wstring> to_path(const std::string& address) {
  auto result = to_wide(address);
  if (result.empty())
    return make_error(errc::invalid_pipe_name, "the pipe name is not UTF-8");
  return result;
}

} // namespace

unique_handle::~unique_handle() {
  if (handle_ != nullptr)
    CloseHandle(handle_);
}

caf::error windows_error(DWORD code, const std::string& what) {
  for (const auto& entry : translations)
    if (entry.code == code)
      return make_error(entry.meaning, what + ": " + entry.advice, static_cast<int>(code));
  return make_error(errc::os_error, what, static_cast<int>(code));
}

std::wstring to_wide(const std::string& text) {
  auto size = static_cast<int>(text.size());
  auto length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), size, nullptr, 0);
  std::wstring result(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.data(), size, result.data(), length);
  return result;
}

peer_identity windows_pipe::peer() const {
  return peer_of(handle.get());
}

// -- security ---------------------------------------------------------------------------------

std::string sddl_of(const resolved_access& access) {
  // Protected from inheritance. Network logons (NU) are denied before anybody is allowed. The
  // owner makes the instances, so the owner has all rights.
  auto allow = [](const std::string& rights, const std::string& who) {
    return "(A;;" + rights + ";;;" + who + ")";
  };
  auto& self = current_process().sid;
  auto result = "D:P(D;;FA;;;NU)" + allow("FA", self) + allow(client_rights, "SY");
  if (access.kind == pipe_access::kind::everyone)
    result += allow(client_rights, "AU");
  for (auto* sids : {&access.sids, &access.group_sids})
    for (auto& sid : *sids)
      if (sid != self)
        result += allow(client_rights, sid);
  return result;
}

security_descriptor::~security_descriptor() {
  if (descriptor_ != nullptr)
    LocalFree(descriptor_);
}

caf::expected<security_descriptor> security_descriptor::make(const resolved_access& access) {
  auto text = sddl_of(access);
  security_descriptor result;
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorA(text.c_str(), SDDL_REVISION_1,
                                                            &result.descriptor_, nullptr))
    return windows_error(GetLastError(), "cannot make the security descriptor " + text);
  return result;
}

// -- instances --------------------------------------------------------------------------------

caf::expected<instance_settings> make_instance_settings(const listen_request& request) {
  auto address = pipe_path(request.pipe_name);
  if (!address)
    return std::move(address.error());
  auto path = to_path(*address);
  if (!path)
    return std::move(path.error());
  auto security = security_descriptor::make(request.access);
  if (!security)
    return std::move(security.error());
  return instance_settings{std::move(*address), std::move(*path), request.mode,
                           std::move(*security)};
}

instance_flags flags_of(pipe_mode mode, bool is_first) noexcept {
  instance_flags result;
  result.open_mode = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED;
  if (is_first)
    result.open_mode |= FILE_FLAG_FIRST_PIPE_INSTANCE;
  result.pipe_mode = mode == pipe_mode::message ? PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE
                                                : PIPE_TYPE_BYTE | PIPE_READMODE_BYTE;
  result.pipe_mode |= PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
  return result;
}

caf::expected<unique_handle> make_instance(const instance_settings& settings, bool is_first) {
  auto flags = flags_of(settings.mode, is_first);
  // Not inherited by child processes.
  SECURITY_ATTRIBUTES attributes = {sizeof(attributes), settings.security.get(), FALSE};
  unique_handle result{CreateNamedPipeW(settings.path.c_str(), flags.open_mode, flags.pipe_mode,
                                        PIPE_UNLIMITED_INSTANCES, pipe_quota, pipe_quota, 0,
                                        &attributes)};
  if (result)
    return result;
  auto code = GetLastError();
  // "If you attempt to create a second instance of a pipe with this flag, creation [...] fails
  // with ERROR_ACCESS_DENIED"; and so does a name that is another user's.
  if (is_first && (code == ERROR_ACCESS_DENIED || code == ERROR_PIPE_BUSY))
    return make_error(errc::pipe_in_use, "another server has " + settings.address,
                      static_cast<int>(code));
  return windows_error(code, "cannot listen on " + settings.address);
}

caf::expected<unique_handle> connect_windows(const std::string& pipe_name, pipe_mode mode) {
  auto address = pipe_path(pipe_name);
  if (!address)
    return std::move(address.error());
  auto path = to_path(*address);
  if (!path)
    return std::move(path.error());
  auto what = "cannot connect to " + *address;
  // FILE_WRITE_ATTRIBUTES: SetNamedPipeHandleState needs it. A server is shown who we are and
  // cannot act as us.
  unique_handle result{
    CreateFileW(path->c_str(), GENERIC_READ | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES, 0, nullptr,
                OPEN_EXISTING,
                FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, nullptr)};
  if (!result)
    return windows_error(GetLastError(), what);
  DWORD flags = 0;
  if (!GetNamedPipeInfo(result.get(), &flags, nullptr, nullptr, nullptr))
    return windows_error(GetLastError(), what);
  if (((flags & PIPE_TYPE_MESSAGE) != 0) != (mode == pipe_mode::message))
    return make_error(errc::not_a_pipe, what + ": it is a pipe of the other mode");
  DWORD reads_messages = PIPE_READMODE_MESSAGE;
  if (mode == pipe_mode::message
      && !SetNamedPipeHandleState(result.get(), &reads_messages, nullptr, nullptr))
    return windows_error(GetLastError(), what);
  return result;
}

caf::error check_windows_message_size(size_t size) {
  if (size <= longest_windows_message)
    return caf::none;
  return make_error(errc::invalid_option,
                    "max_message_size is " + std::to_string(size) + ", on Windows at most "
                      + std::to_string(longest_windows_message)
                      + " are granted: messages wait in memory that is never paged out");
}

// -- listening_instance -----------------------------------------------------------------------

listening_instance::listening_instance(unique_handle pipe, HANDLE port, ULONG_PTR key,
                                       ULONG_PTR number)
    : pipe_(std::move(pipe)), port_(port), key_(key), number_(number) {}

listening_instance::~listening_instance() {
  stop_waiting();
  if (!connecting_)
    return;
  CancelIoEx(pipe_.get(), &overlapped_);
  DWORD size = 0;
  GetOverlappedResult(pipe_.get(), &overlapped_, &size, TRUE);
}

caf::error listening_instance::listen() {
  event_ = unique_handle{CreateEventW(nullptr, TRUE, FALSE, nullptr)};
  if (!event_)
    return windows_error(GetLastError(), "cannot make an event");
  overlapped_.hEvent = event_.get();
  auto done = ConnectNamedPipe(pipe_.get(), &overlapped_);
  auto code = done ? ERROR_PIPE_CONNECTED : GetLastError();
  switch (code) {
  case ERROR_IO_PENDING:
    connecting_ = true;
    // What it calls returns at once, so it needs no thread of its own.
    if (!RegisterWaitForSingleObject(&wait_, event_.get(), on_event, this, INFINITE,
                                     WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD))
      return windows_error(GetLastError(), "cannot wait for clients");
    return caf::none;
  case ERROR_PIPE_CONNECTED:
    // The client was quicker.
  case ERROR_NO_DATA:
    // And has left already; what it wrote can still be read.
    post();
    return caf::none;
  default:
    return windows_error(code, "cannot wait for clients");
  }
}

caf::expected<unique_handle> listening_instance::take() {
  stop_waiting();
  DWORD size = 0;
  if (std::exchange(connecting_, false)
      && !GetOverlappedResult(pipe_.get(), &overlapped_, &size, TRUE)) {
    auto code = GetLastError();
    if (code != ERROR_PIPE_CONNECTED && code != ERROR_NO_DATA)
      return windows_error(code, "waiting for clients failed");
  }
  return std::move(pipe_);
}

void CALLBACK listening_instance::on_event(void* self, BOOLEAN) {
  static_cast<listening_instance*>(self)->post();
}

void listening_instance::post() noexcept {
  PostQueuedCompletionStatus(port_, 0, key_, reinterpret_cast<OVERLAPPED*>(number_));
}

void listening_instance::stop_waiting() noexcept {
  // Returns when on_event is not running and never will.
  if (wait_ != nullptr)
    UnregisterWaitEx(std::exchange(wait_, nullptr), INVALID_HANDLE_VALUE);
}

} // namespace pipeactor::port
