#pragma once

// The named pipes of Win32, for the iocp port. If a comment in this folder names a page, it is the
// one of the Win32 documentation with that title.

#include "port/completion_port.hpp"
#include "port/windows/unique_handle.hpp"
#include "port/windows/windows_access.hpp"

#include <string>
#include <utility>

namespace pipeactor::port {

/// A connected pipe that no port has adopted yet: no completion port knows its handle.
class windows_pipe final : public raw_pipe {
public:
  explicit windows_pipe(unique_handle handle) noexcept : handle(std::move(handle)) {}

  peer_identity peer() const override;

  unique_handle handle;
};

/// The settings that all instances of one pipe are made with.
struct instance_settings {
  std::string address;
  std::wstring path;
  pipe_mode mode = pipe_mode::message;
  security_descriptor security;
};

/// @returns an error for a name that is not allowed
caf::expected<instance_settings> make_instance_settings(const listen_request& request);

/// The modes of an instance (CreateNamedPipeW, dwOpenMode and dwPipeMode).
struct instance_flags {
  DWORD open_mode = 0;
  DWORD pipe_mode = 0;
};

instance_flags flags_of(pipe_mode mode, bool is_first) noexcept;

/// Makes an instance that clients may connect to from now on.
/// @param is_first whether this claims the name (`errc::pipe_in_use` if another server has it)
caf::expected<unique_handle> make_instance(const instance_settings& settings, bool is_first);

/// Connects without waiting.
/// @returns `errc::no_such_pipe`, `errc::pipe_busy` (no instance is free),
///   `errc::access_denied`, `errc::not_a_pipe` (a pipe of the other mode), ...
caf::expected<unique_handle> connect_windows(const std::string& pipe_name, pipe_mode mode);

/// The longest message that is granted, in bytes. Windows names no limit, but a message that waits
/// to be read is in memory that is never paged out.
constexpr size_t longest_windows_message = size_t{64} << 20;

/// Returns an error if messages of `size` bytes are not granted.
caf::error check_windows_message_size(size_t size);

} // namespace pipeactor::port
