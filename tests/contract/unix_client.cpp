// The client over a plain AF_UNIX socket.

#include "contract/test_client.hpp"
#include "unit/unix_helpers.hpp"

#include <poll.h>

#include <cerrno>

namespace contract {

namespace {

class unix_client final : public test_client {
public:
  unix_client(int fd, pipe_mode mode) : fd_(fd), mode_(mode) {}

  ~unix_client() override {
    drop();
  }

  send_result try_send(std::string_view bytes, size_t& taken) override {
    taken = 0;
    for (;;) {
      auto result = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (result >= 0) {
        taken = static_cast<size_t>(result);
        return send_result::sent;
      }
      if (errno == EMSGSIZE && !raised_) {
        raised_ = true;
        auto value = static_cast<int>(bytes.size() / 2 + 4096);
        setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value));
      } else if (errno == EAGAIN) {
        return send_result::would_block;
      } else if (errno != EINTR) {
        return send_result::closed;
      }
    }
  }

  bool wait_writable(size_t, wait_time timeout) override {
    return wait(POLLOUT, timeout);
  }

  bool wait_readable(wait_time timeout) override {
    return wait(POLLIN, timeout);
  }

  std::optional<std::string> receive(wait_time timeout) override {
    auto size = look(timeout);
    if (size <= 0)
      return std::nullopt;
    std::string result(static_cast<size_t>(size), '\0');
    auto got = ::recv(fd_, result.data(), result.size(), MSG_DONTWAIT);
    result.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return result;
  }

  bool at_end(wait_time timeout) override {
    return look(timeout) == 0;
  }

  bool was_reset() override {
    return reset_;
  }

  void shutdown_write() override {
    ::shutdown(fd_, SHUT_WR);
  }

  void close() override {
    while (receive(0ms)) {
    }
    drop();
  }

  void abort() override {
    wait_readable(patience);
    drop();
  }

private:
  bool wait(short what, wait_time timeout) {
    pollfd entry = {fd_, what, 0};
    return poll(&entry, 1, static_cast<int>(timeout.count())) > 0;
  }

  /// Returns the length of the next message or piece; 0 at the end, -1 if nothing came.
  ssize_t look(wait_time timeout) {
    if (!wait_readable(timeout))
      return -1;
    // The server never sends an empty message, so 0 is the end.
    char byte = 0;
    if (mode_ == pipe_mode::message)
      return retry_after_reset([&] { return recv(fd_, &byte, 1, MSG_PEEK | MSG_TRUNC); });
    auto size = retry_after_reset([&] { return recv(fd_, &byte, 1, MSG_PEEK); });
    return size > 0 ? 65536 : size;
  }

  template <class F>
  ssize_t retry_after_reset(F call) {
    auto result = call();
    if (result < 0 && errno == ECONNRESET) {
      reset_ = true;
      result = call();
    }
    return result;
  }

  void drop() {
    if (fd_ >= 0)
      ::close(fd_);
    fd_ = -1;
  }

  int fd_;
  pipe_mode mode_;
  bool raised_ = false;
  bool reset_ = false;
};

} // namespace

client_ptr connect_to(const std::string& address, pipe_mode mode) {
  auto type = mode == pipe_mode::message ? SOCK_SEQPACKET : SOCK_STREAM;
  auto fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, address.c_str(), sizeof(name.sun_path) - 1);
  // Blocks while the backlog is full.
  if (::connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0) {
    ::close(fd);
    return nullptr;
  }
  return std::make_shared<unix_client>(fd, mode);
}

std::vector<port_kind> ports_of_this_system() {
  return {port_kind::io_uring, port_kind::epoll, port_kind::simulated};
}

size_t open_handles() {
  return unix_helpers::open_descriptors();
}

const size_t handles_that_come = 0;

bool runs_under_wine() {
  return false;
}

} // namespace contract
