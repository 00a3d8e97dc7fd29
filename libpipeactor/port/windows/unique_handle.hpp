#pragma once

#include <windows.h>

#include <utility>

namespace pipeactor::port {

/// Owns a handle of the system. "No handle" is nullptr, even if the system says
/// INVALID_HANDLE_VALUE.
class unique_handle {
public:
  unique_handle() noexcept = default;
  explicit unique_handle(HANDLE handle) noexcept
      : handle_(handle == INVALID_HANDLE_VALUE ? nullptr : handle) {}
  unique_handle(unique_handle&& other) noexcept : handle_(other.release()) {}
  unique_handle& operator=(unique_handle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~unique_handle() {
    if (handle_ != nullptr)
      CloseHandle(handle_);
  }

  HANDLE get() const noexcept {
    return handle_;
  }

  HANDLE release() noexcept {
    return std::exchange(handle_, nullptr);
  }

  explicit operator bool() const noexcept {
    return handle_ != nullptr;
  }

private:
  HANDLE handle_ = nullptr;
};

} // namespace pipeactor::port
