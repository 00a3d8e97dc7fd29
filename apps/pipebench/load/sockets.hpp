#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace pipebench {

/// Owns a file descriptor, and closes it.
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
/// @throws std::system_error, std::runtime_error
descriptor connect_to(const std::string& path, bool stream);

/// Asks for a send buffer of at least `bytes`, in the kernel's unit (SO_SNDBUF, socket(7)).
/// @returns what the kernel grants
size_t raise_send_buffer(int fd, size_t bytes);

/// Sends all of `data`; blocks. @throws std::system_error
void send_all(int fd, std::string_view data);

/// Receives `size` bytes; blocks. @throws std::system_error, std::runtime_error
std::string receive_exactly(int fd, size_t size);

} // namespace pipebench
