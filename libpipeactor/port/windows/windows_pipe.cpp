#include "port/windows/windows_pipe.hpp"

#include "base/errors.hpp"
#include "port/pipe_record.hpp"
#include "port/windows/pipe_name.hpp"
#include "port/windows/wide_text.hpp"
#include "port/windows/windows_error.hpp"
#include "port/windows/windows_identity.hpp"

#include <winternl.h>

namespace pipeactor::port {

namespace {

/// How many bytes either direction holds before writes wait. A longer message passes too, piece
/// by piece while it is read.
constexpr DWORD pipe_quota = 65536;

caf::expected<std::wstring> to_path(const std::string& address) {
  auto result = to_wide(address);
  if (result.empty())
    return errors::invalid_pipe_name("is not UTF-8");
  return result;
}

} // namespace

peer_identity windows_pipe::peer() const {
  return peer_of(handle.get());
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
  auto what = "cannot listen on " + settings.address;
  // "If you attempt to create a second instance of a pipe with this flag, creation [...] fails
  // with ERROR_ACCESS_DENIED". A name that is another user's fails likewise.
  if (is_first && (code == ERROR_ACCESS_DENIED || code == ERROR_PIPE_BUSY))
    return errors::failed(errc::pipe_in_use, what, static_cast<int>(code));
  return windows_error(code, what);
}

caf::expected<unique_handle> connect_windows(const std::string& pipe_name, pipe_mode mode) {
  auto address = pipe_path(pipe_name);
  if (!address)
    return std::move(address.error());
  auto path = to_path(*address);
  if (!path)
    return std::move(path.error());
  auto what = "cannot connect to " + *address;
  // SetNamedPipeHandleState needs FILE_WRITE_ATTRIBUTES. With SECURITY_IDENTIFICATION a server
  // sees who we are and cannot act as us.
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
    return errors::other_pipe_mode(*address);
  DWORD reads_messages = PIPE_READMODE_MESSAGE;
  if (mode == pipe_mode::message
      && !SetNamedPipeHandleState(result.get(), &reads_messages, nullptr, nullptr))
    return windows_error(GetLastError(), what);
  return result;
}

caf::error check_windows_message_size(size_t size) {
  if (size <= longest_windows_message)
    return caf::none;
  return errors::message_size_not_granted(size, longest_windows_message,
                                          "messages wait in memory that is never paged out");
}

// A read is told of the end only behind all that is unread, and reading may be paused. (Pages:
// NtQueryInformationFile, FILE_PIPE_LOCAL_INFORMATION)
bool has_left_unseen(native_handle_type handle) noexcept {
  constexpr ULONG connected_state = 3; // FILE_PIPE_CONNECTED_STATE
  IO_STATUS_BLOCK status{};
  FILE_PIPE_LOCAL_INFORMATION pipe{};
  auto result = NtQueryInformationFile(reinterpret_cast<HANDLE>(handle), &status, &pipe,
                                       sizeof(pipe), FilePipeLocalInformation);
  return NT_SUCCESS(result) && pipe.NamedPipeState != connected_state;
}

} // namespace pipeactor::port
