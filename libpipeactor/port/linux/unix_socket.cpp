#include "port/linux/unix_socket.hpp"

#include "base/errors.hpp"
#include "port/closed_handles.hpp"
#include "port/linux/known_ids.hpp"
#include "port/linux/pipe_name.hpp"
#include "port/linux/unix_address.hpp"
#include "port/linux/unix_error.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <spdlog/fmt/fmt.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace pipeactor::port {

namespace {

/// The bytes that the kernel adds to a message before it compares it with SO_SNDBUF.
constexpr size_t send_buffer_overhead = 32;
/// A message lies in one block of at most 4 MiB, less 320 bytes for the kernel, and in
/// 17 pages: more is ENOBUFS.
constexpr size_t longest_kernel_message = (size_t{4} << 20) - 320 + size_t{17} * 4096;
/// SO_SNDBUF of a stock kernel, for when not even a socket can be made to ask.
constexpr size_t stock_send_buffer = 212992;
constexpr size_t usual_groups = 64;
constexpr size_t most_backlog = 65535;
constexpr size_t discard_buffer_size = 16384;

int socket_type(pipe_mode mode) {
  return mode == pipe_mode::message ? SOCK_SEQPACKET : SOCK_STREAM;
}

unique_fd make_socket(pipe_mode mode) {
  return unique_fd{socket(AF_UNIX, socket_type(mode) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

/// Gives the users whom `access` may admit the right to connect. Until listen(2) nobody can.
caf::error open_socket_file(const std::string& path, const resolved_access& access) {
  using kind = pipe_access::kind;
  if (access.kind == kind::owner)
    return caf::none;
  auto mode = static_cast<mode_t>(access.kind == kind::group ? 0660 : 0666);
  if (access.kind == kind::group) {
    auto group = static_cast<gid_t>(access.groups.front());
    if (fchownat(AT_FDCWD, path.c_str(), static_cast<uid_t>(-1), group, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == EPERM
               ? make_error(errc::invalid_option,
                            fmt::format("cannot give {0} to group {1}: only a member of it can: "
                                        "use access list:@{1}, or become a member",
                                        path, group),
                            EPERM)
               : unix_error(errno, "cannot give " + path + " to a group");
  }
  // The umask took rights away at bind(2).
  if (fchmodat(AT_FDCWD, path.c_str(), mode, AT_SYMLINK_NOFOLLOW) != 0)
    return unix_error(errno, "cannot set the mode of " + path);
  return caf::none;
}

size_t send_buffer_of(int fd) noexcept {
  int value = 0;
  socklen_t size = sizeof(value);
  if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, &size) != 0)
    return stock_send_buffer;
  return static_cast<size_t>(value);
}

bool is_other_than_socket(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && !S_ISSOCK(info.st_mode);
}

std::vector<int64_t> groups_of_peer(int fd) {
  // Enough for most, so that one call does. ERANGE tells how much room it takes; a process
  // cannot change the groups that were recorded, so the second call succeeds.
  std::vector<gid_t> groups(usual_groups);
  socklen_t size = usual_groups * sizeof(gid_t);
  while (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
    if (errno != ERANGE || size <= groups.size() * sizeof(gid_t))
      return {};
    groups.resize(size / sizeof(gid_t));
  }
  groups.resize(size / sizeof(gid_t));
  std::vector<int64_t> result;
  for (auto id : groups)
    if (auto known = known_group(id); known >= 0)
      result.push_back(known);
  return result;
}

/// Returns where a live server has a leaf name, if that is not `path`.
std::string held_elsewhere(const std::string& pipe_name, pipe_place place,
                           const std::string& path) {
  if (pipe_name.front() == '/')
    return {};
  for (auto& directory : pipe_directories(place))
    if (auto other = directory + "/" + pipe_name;
        other != path && !check_directory(directory) && pipe_name_claim::is_held(other))
      return other;
  return {};
}

/// @returns 0 or `errno`
int switch_on(int fd, int option) noexcept {
  int on = 1;
  return setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on)) == 0 ? 0 : errno;
}

} // namespace

unix_listener::~unix_listener() {
  if (socket && claim.is_owned())
    shutdown(socket.get(), SHUT_RDWR);
}

caf::expected<unix_listener> listen_unix(const listen_request& request) {
  auto is_owners = request.access.kind == pipe_access::kind::owner;
  auto place = is_owners ? pipe_place::own : pipe_place::shared;
  auto path = pipe_path(request.pipe_name, place);
  if (!path)
    return std::move(path.error());
  if (auto err = prepare_pipe_directory(request.pipe_name, place))
    return err;
  auto claim = pipe_name_claim::acquire(*path, !is_owners);
  if (!claim)
    return std::move(claim.error());
  // With our claim in hand: of two servers that start at once, in two directories, one sees the
  // other's.
  if (auto other = held_elsewhere(request.pipe_name, place, *path); !other.empty())
    return errors::failed(errc::pipe_in_use, "cannot claim " + *path, 0,
                          "a server that began before has it at " + other);
  auto what = "cannot listen on " + *path;
  unix_listener result{std::move(*claim), make_socket(request.mode)};
  if (!result.socket)
    return unix_error(errno, what);
  // The socket file takes its mode from the socket: it never exists with looser rights.
  if (fchmod(result.socket.get(), 0600) != 0)
    return unix_error(errno, what);
  if (auto code = bind_to_path(result.socket.get(), *path); code != 0)
    return unix_error(code, what);
  result.claim.socket_bound();
  if (auto err = open_socket_file(*path, request.access))
    return err;
  if (listen(result.socket.get(), static_cast<int>(std::min(request.backlog, most_backlog))) != 0)
    return unix_error(errno, what);
  return result;
}

namespace {

caf::expected<unique_fd> connect_to(const std::string& path, pipe_mode mode) {
  auto what = "cannot connect to " + path;
  auto fd = make_socket(mode);
  if (!fd)
    return unix_error(errno, what);
  auto code = connect_to_path(fd.get(), path);
  if (code == 0)
    return fd;
  // The kernel refuses a file that is no socket in the same words as a dead server's.
  if (code == ECONNREFUSED && is_other_than_socket(path))
    code = ENOTSOCK;
  return unix_error(code, what);
}

bool is_missing(const caf::error& err) {
  return code_of(err) == errc::no_such_pipe;
}

} // namespace

caf::expected<unique_fd> connect_unix(const std::string& pipe_name, pipe_mode mode) {
  auto path = pipe_path(pipe_name);
  if (!path)
    return std::move(path.error());
  if (pipe_name.front() == '/')
    return connect_to(*path, mode);
  for (auto place : {pipe_place::own, pipe_place::shared}) {
    auto directories = pipe_directories(place);
    for (auto& directory : directories) {
      auto err = place == pipe_place::own ? check_directory(directory)
                                          : check_shared_directory(directory);
      // One that servers used to be in, and that is not safe, has no server of ours.
      if (is_missing(err) || (err && directory != directories.front()))
        continue;
      if (err)
        return err;
      auto fd = connect_to(directory + "/" + pipe_name, mode);
      if (fd || !is_missing(fd.error()))
        return fd;
    }
  }
  return make_error(errc::no_such_pipe,
                    fmt::format("no server listens on {} in {} or {}: start it first", pipe_name,
                                pipe_directory(pipe_place::own),
                                pipe_directory(pipe_place::shared)));
}

unix_pipe::~unix_pipe() {
  if (!fd)
    return;
  fd = unique_fd{};
  handle_was_closed();
}

peer_identity unix_pipe::peer() const {
  return peer_of(fd.get());
}

peer_identity peer_of(int fd) {
  peer_identity result;
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return result;
  result.pid = std::max(credentials.pid, 0);
  result.uid = known_user(credentials.uid);
  result.gid = known_group(credentials.gid);
  result.groups = groups_of_peer(fd);
  return result;
}

size_t default_send_buffer() {
  auto fd = make_socket(pipe_mode::message);
  return fd ? send_buffer_of(fd.get()) : stock_send_buffer;
}

size_t largest_send_buffer() {
  auto fd = make_socket(pipe_mode::message);
  return fd ? raise_send_buffer(fd.get(), INT_MAX) : stock_send_buffer;
}

size_t longest_message(size_t send_buffer) noexcept {
  if (send_buffer <= send_buffer_overhead)
    return 0;
  return std::min(send_buffer - send_buffer_overhead, longest_kernel_message);
}

caf::error check_unix_message_size(size_t size) {
  auto granted = longest_message(largest_send_buffer());
  if (size <= granted)
    return caf::none;
  if (auto most = longest_message(SIZE_MAX); size > most)
    return errors::message_size_not_granted(
      size, granted, fmt::format("Linux sends no more than {} bytes in one message", most));
  return errors::message_size_not_granted(size, granted,
                                          fmt::format("raise net.core.wmem_max to {}",
                                                      send_buffer_for(size)));
}

size_t send_buffer_for(size_t message) noexcept {
  // The kernel doubles what is asked for.
  return (message + send_buffer_overhead + 1) / 2;
}

size_t raise_send_buffer(int fd, size_t size) {
  if (longest_message(send_buffer_of(fd)) >= size)
    return send_buffer_of(fd);
  // The kernel doubles what it is asked for, and takes net.core.wmem_max for more. Whatever it
  // answers, the size that is in force then counts.
  auto wanted = std::min<size_t>(size, INT_MAX) / 2 + send_buffer_overhead;
  auto value = static_cast<int>(wanted);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value));
  return send_buffer_of(fd);
}

caf::error stamp_messages(int fd) {
  auto refused = switch_on(fd, SO_TIMESTAMP);
  return refused == 0 ? caf::none : unix_error(refused, "cannot have messages stamped");
}

caf::error read_urgent_data_inline(int fd) {
  auto refused = switch_on(fd, SO_OOBINLINE);
  return refused == 0 ? caf::none : unix_error(refused, "cannot read urgent data inline");
}

void discard_input(int fd, pipe_mode mode) noexcept {
  // From here on the peer's writes fail: no more input will come than is queued.
  shutdown(fd, SHUT_RD);
  // There is no room for control data, so passed descriptors are dropped, and MSG_CTRUNC
  // tells an empty message, whose time did not fit, from the end. Not on a stream, where older
  // kernels set it at the end too.
  auto keeps_messages = mode == pipe_mode::message && switch_on(fd, SO_TIMESTAMP) == 0;
  char buffer[discard_buffer_size];
  for (;;) {
    iovec bytes = {buffer, sizeof(buffer)};
    msghdr message = {};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    auto result = recvmsg(fd, &message, MSG_DONTWAIT);
    if (result < 0 && errno != EINTR)
      return;
    if (result == 0 && !(keeps_messages && (message.msg_flags & MSG_CTRUNC) != 0))
      return;
  }
}

peeked peek_input(int fd, pipe_mode mode) noexcept {
  std::byte byte{};
  iovec piece{&byte, 1};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  auto result = recvmsg(fd, &header, MSG_PEEK | MSG_DONTWAIT);
  // An empty message, as receive_batch::is_end() tells it. A stream has none; older kernels set
  // the flag at its end.
  auto empty_message = mode == pipe_mode::message && (header.msg_flags & MSG_CTRUNC) != 0;
  if (result > 0 || (result == 0 && empty_message))
    return peeked::data;
  if (result == 0)
    return peeked::end_of_file;
  return errno == ECONNRESET ? peeked::reset : peeked::nothing;
}

size_t unread_bytes(int fd) noexcept {
  int value = 0;
  return ioctl(fd, SIOCINQ, &value) == 0 && value > 0 ? static_cast<size_t>(value) : 0;
}

} // namespace pipeactor::port
