#pragma once

#include "port/linux/fork_guard.hpp"

#include <unistd.h>

#include <utility>

namespace pipeactor::port {

/// Owns a descriptor. Forked children close theirs.
class unique_fd {
public:
  unique_fd() noexcept = default;

  explicit unique_fd(int fd) noexcept : fd_(fd) {
    close_in_children(fd);
  }

  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  ~unique_fd() {
    if (fd_ < 0)
      return;
    keep_in_children(fd_);
    close(fd_);
  }

  int get() const noexcept {
    return fd_;
  }

  /// The caller closes it from now on. Forked children do so only if asked again.
  int release() noexcept {
    keep_in_children(fd_);
    return std::exchange(fd_, -1);
  }

  explicit operator bool() const noexcept {
    return fd_ >= 0;
  }

private:
  int fd_ = -1;
};

} // namespace pipeactor::port
