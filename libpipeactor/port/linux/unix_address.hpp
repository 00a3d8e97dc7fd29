#pragma once

#include <string>

namespace pipeactor::port {

/// Calls connect(2) with the address of a socket file.
/// @returns 0 or `errno`
int connect_to_path(int fd, const std::string& path) noexcept;

/// Calls bind(2) with the address of a socket file.
/// @returns 0 or `errno`
int bind_to_path(int fd, const std::string& path) noexcept;

} // namespace pipeactor::port
