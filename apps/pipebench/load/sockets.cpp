#include "sockets.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace pipebench {

namespace {

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

descriptor::~descriptor() {
  if (fd_ >= 0)
    close(fd_);
}

descriptor connect_to(const std::string& path, bool stream) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw std::runtime_error("too long for a socket's path: " + path);
  path.copy(address.sun_path, path.size());
  descriptor result{socket(AF_UNIX, (stream ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0)};
  if (result.get() < 0)
    throw_errno("socket");
  if (connect(result.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw_errno("connect to " + path);
  return result;
}

size_t raise_send_buffer(int fd, size_t bytes) {
  // The kernel doubles the value, socket(7).
  auto half = static_cast<int>(bytes / 2 + 1);
  int granted = 0;
  socklen_t length = sizeof granted;
  getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &granted, &length);
  if (static_cast<size_t>(granted) < bytes) {
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &half, sizeof half) != 0)
      setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &half, sizeof half);
    getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &granted, &length);
  }
  return static_cast<size_t>(granted);
}

void send_all(int fd, std::string_view data) {
  while (!data.empty()) {
    auto n = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (n < 0)
      throw_errno("send");
    data.remove_prefix(static_cast<size_t>(n));
  }
}

std::string receive_exactly(int fd, size_t size) {
  std::string result(size, '\0');
  for (size_t have = 0; have < size;) {
    auto n = recv(fd, result.data() + have, size - have, 0);
    if (n < 0)
      throw_errno("receive");
    if (n == 0)
      throw std::runtime_error("the server closed the connection");
    have += static_cast<size_t>(n);
  }
  return result;
}

} // namespace pipebench
