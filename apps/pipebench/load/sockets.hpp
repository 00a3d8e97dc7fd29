#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace pipebench {

/// A file descriptor that is closed with its owner.
class descriptor {
public:
  explicit descriptor(int fd = -1) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor();

  int get() const noexcept {
    return fd_;
  }

private:
  int fd_;
};

/// Connects to the socket at `path`; waits while the server's backlog is full.
/// @throws std::system_error
descriptor connect_to(const std::string& path, bool stream);

/// Lets at least `bytes` of the kernel's memory wait in the socket, as far as it is granted.
/// @returns how much is granted, in the unit in which the kernel counts (SO_SNDBUF)
size_t raise_send_buffer(int fd, size_t bytes);

void send_all(int fd, std::string_view data);
std::string receive_exactly(int fd, size_t size);

[[noreturn]] void throw_errno(const std::string& what);

} // namespace pipebench
