#pragma once

// What the iocp port stands on: the named pipes of Win32. Where a comment names a page, it is
// the one of the Win32 documentation with that title.

#include "port/completion_port.hpp"

#include <windows.h>

#include <string>
#include <utility>

namespace pipeactor::port {

/// Owns a handle. No handle is nullptr, also where the system says INVALID_HANDLE_VALUE.
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
  ~unique_handle();

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

/// @returns an empty string also for what is not UTF-8
std::wstring to_wide(const std::string& text);

/// A connected pipe that no port has adopted yet: no completion port knows its handle.
class windows_pipe final : public raw_pipe {
public:
  explicit windows_pipe(unique_handle handle) noexcept : handle(std::move(handle)) {}

  peer_identity peer() const override;

  unique_handle handle;
};

/// Translates GetLastError() to an error of ours: the only place that does, for all that the
/// iocp port calls. `what` says what was tried, e.g. "cannot connect to \\.\pipe\x".
caf::error windows_error(DWORD code, const std::string& what);

/// Who may open a pipe, in the words of the system.
class security_descriptor {
public:
  security_descriptor() noexcept = default;
  security_descriptor(security_descriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  security_descriptor& operator=(security_descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~security_descriptor();

  /// Makes the one for an access: the user of this process and LocalSystem, whom it names, and for
  /// `everyone` all who have logged on. Nobody over the network.
  static caf::expected<security_descriptor> make(const resolved_access& access);

  PSECURITY_DESCRIPTOR get() const noexcept {
    return descriptor_;
  }

private:
  PSECURITY_DESCRIPTOR descriptor_ = nullptr;
};

/// Returns the text of such a descriptor (Security Descriptor String Format).
std::string sddl_of(const resolved_access& access);

/// What all instances of one pipe are made with.
struct instance_settings {
  std::string address;
  std::wstring path;
  pipe_mode mode = pipe_mode::message;
  security_descriptor security;
};

/// @returns an error for a name that is not allowed
caf::expected<instance_settings> make_instance_settings(const listen_request& request);

/// How an instance is opened and what it is (CreateNamedPipeW, dwOpenMode and dwPipeMode).
struct instance_flags {
  DWORD open_mode = 0;
  DWORD pipe_mode = 0;
};

instance_flags flags_of(pipe_mode mode, bool is_first) noexcept;

/// Makes an instance that clients may connect to from now on.
/// @param is_first whether the name must be nobody's yet (`errc::pipe_in_use`)
caf::expected<unique_handle> make_instance(const instance_settings& settings, bool is_first);

/// Connects without waiting.
/// @returns `errc::no_such_pipe`, `errc::pipe_busy` (no instance is free),
///   `errc::access_denied`, `errc::not_a_pipe` (a pipe of the other mode), ...
caf::expected<unique_handle> connect_windows(const std::string& pipe_name, pipe_mode mode);

/// Returns an error where messages of `size` bytes are not granted.
caf::error check_windows_message_size(size_t size);

/// The longest message that is granted, in bytes. Windows names no limit, but a message that waits
/// to be read is in memory that is never paged out.
constexpr size_t longest_windows_message = size_t{64} << 20;

/// A pipe instance that waits for its client, without any completion port: a handle can be bound
/// to one port only, once and for all (CreateIoCompletionPort), and which one it will be is decided
/// when the client is there. A thread of the system's pool waits in place of the port, and posts
/// to it.
class listening_instance {
public:
  /// @param port is posted `key` and `number` (as the pointer to an OVERLAPPED) when the client
  ///   has come, or waiting has failed
  listening_instance(unique_handle pipe, HANDLE port, ULONG_PTR key, ULONG_PTR number);

  /// Cancels where nobody came, and returns when the system is done with this object.
  ~listening_instance();

  listening_instance(const listening_instance&) = delete;
  listening_instance& operator=(const listening_instance&) = delete;

  /// Begins to wait.
  caf::error listen();

  /// Takes the pipe out, after it was posted. Call at most once.
  /// @returns why no client came where that is so
  caf::expected<unique_handle> take();

private:
  static void CALLBACK on_event(void* self, BOOLEAN timed_out);

  void post() noexcept;
  void stop_waiting() noexcept;

  unique_handle pipe_;
  unique_handle event_;
  HANDLE wait_ = nullptr;
  HANDLE port_;
  ULONG_PTR key_;
  ULONG_PTR number_;
  /// ConnectNamedPipe is under way.
  bool connecting_ = false;
  OVERLAPPED overlapped_ = {};
};

} // namespace pipeactor::port
