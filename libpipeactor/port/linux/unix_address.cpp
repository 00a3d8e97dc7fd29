#include "port/linux/unix_address.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace pipeactor::port {

namespace {

/// Fills in a socket address.
/// @returns false if `path` does not fit
bool to_address(const std::string& path, sockaddr_un& address) noexcept {
  address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path))
    return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  return true;
}

} // namespace

int connect_to_path(int fd, const std::string& path) noexcept {
  sockaddr_un address;
  if (!to_address(path, address))
    return ENAMETOOLONG;
  return connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
}

int bind_to_path(int fd, const std::string& path) noexcept {
  sockaddr_un address;
  if (!to_address(path, address))
    return ENAMETOOLONG;
  return bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
}

} // namespace pipeactor::port
