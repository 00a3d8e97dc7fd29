#include "port/windows/iocp_queue.hpp"

#include "base/log.hpp"
#include "port/windows/windows_error.hpp"

#include <cstdlib>

namespace pipeactor::port {

namespace {

constexpr DWORD retry_post_milliseconds = 1;

/// Returns whether the error may be gone at the next attempt.
bool is_shortage(DWORD code) noexcept {
  return code == ERROR_NOT_ENOUGH_MEMORY || code == ERROR_OUTOFMEMORY
         || code == ERROR_NO_SYSTEM_RESOURCES || code == ERROR_NOT_ENOUGH_QUOTA;
}

} // namespace

caf::expected<iocp_queue> iocp_queue::make() {
  iocp_queue result;
  result.handle_ = unique_handle{CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1)};
  if (!result.handle_)
    return windows_error(GetLastError(), "cannot make an I/O completion port");
  return result;
}

caf::error iocp_queue::bind(HANDLE handle, ULONG_PTR key) {
  if (CreateIoCompletionPort(handle, handle_.get(), key, 0) != nullptr)
    return caf::none;
  return windows_error(GetLastError(), "cannot bind a pipe to the I/O completion port");
}

void iocp_queue::post(ULONG_PTR key, ULONG_PTR value) const noexcept {
  while (!PostQueuedCompletionStatus(handle_.get(), 0, key, reinterpret_cast<OVERLAPPED*>(value))) {
    auto code = GetLastError();
    if (!is_shortage(code)) {
      detail::log_warning("cannot post to the I/O completion port, code " + std::to_string(code));
      std::abort();
    }
    Sleep(retry_post_milliseconds);
  }
}

caf::expected<size_t> iocp_queue::take(DWORD milliseconds) {
  ULONG count = 0;
  if (GetQueuedCompletionStatusEx(handle_.get(), packets_.data(),
                                  static_cast<ULONG>(packets_.size()), &count, milliseconds, FALSE))
    return size_t{count};
  if (auto code = GetLastError(); code != WAIT_TIMEOUT)
    return windows_error(code, "cannot take packets out of the I/O completion port");
  return size_t{0};
}

} // namespace pipeactor::port
