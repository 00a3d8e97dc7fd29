#include "port/linux/pipe_name_claim.hpp"

#include "base/errors.hpp"
#include "port/linux/unique_fd.hpp"
#include "port/linux/unix_address.hpp"
#include "port/linux/unix_error.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>

namespace pipeactor::port {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view lock_suffix = ".lock";
/// The longest text that a lock file holds: a pid and a line feed.
constexpr size_t longest_lock_text = 20;
/// Each further attempt means that another server stopped in the very moment before.
constexpr int most_attempts = 1000;

std::string lock_path_of(const std::string& path) {
  return path + std::string{lock_suffix};
}

std::string directory_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

struct flock whole_file(short type) {
  struct flock result = {};
  result.l_type = type;
  result.l_whence = SEEK_SET;
  return result;
}

caf::error lock_open_error(int error_number, const std::string& lock) {
  auto what = "cannot open the lock file " + lock;
  switch (error_number) {
  case ELOOP:
    return errors::failed(errc::unsafe_directory, what, ELOOP, "it is a symbolic link: remove it");
  case EISDIR:
  case ENXIO:
    return errors::failed(errc::unsafe_directory, what, error_number,
                          "it is not a regular file: remove it");
  case ENOENT:
    return errors::failed(errc::os_error, what, ENOENT,
                          "the directory does not exist: create " + directory_of(lock));
  default:
    return unix_error(error_number, what);
  }
}

caf::expected<unique_fd> open_lock_file(const std::string& lock) {
  constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  unique_fd fd{open(lock.c_str(), flags, 0600)};
  if (fd)
    return fd;
  auto error_number = errno;
  // fs.protected_regular refuses O_CREAT on another user's file; the caller tells whose.
  if (error_number == EACCES)
    if (unique_fd other{open(lock.c_str(), flags & ~O_CREAT)})
      return other;
  return lock_open_error(error_number, lock);
}

/// Returns the text of a lock file, which is short.
std::string read_lock_text(int fd) {
  char buffer[longest_lock_text + 1];
  auto size = pread(fd, buffer, sizeof(buffer), 0);
  return {buffer, size > 0 ? static_cast<size_t>(size) : 0};
}

caf::error in_use(const std::string& path, const std::string& by) {
  return errors::failed(errc::pipe_in_use, "cannot claim " + path, 0, by);
}

/// Another user's lock file is in the way.
caf::error of_other_user(const std::string& path, uid_t owner) {
  auto user = "user " + std::to_string(owner);
  if (pipe_name_claim::is_held(path))
    return in_use(path, "a server of " + user + " has it");
  return errors::unsafe_file(lock_path_of(path),
                             "belongs to " + user
                               + ": start the server as that user, or remove it");
}

/// Writing to a file that is not our lock file would destroy it: take "Cargo.lock" beside
/// a pipe named "Cargo".
caf::error check_lock_file(int fd, const std::string& path) {
  auto lock = lock_path_of(path);
  struct stat info;
  if (fstat(fd, &info) != 0)
    return unix_error(errno, "cannot use the lock file " + lock);
  if (!S_ISREG(info.st_mode))
    return errors::unsafe_file(lock, "is not a regular file: remove it");
  if (info.st_uid != geteuid())
    return of_other_user(path, info.st_uid);
  if (info.st_nlink > 1)
    return errors::unsafe_file(lock, "has a second name (hard link): remove it");
  auto text = read_lock_text(fd);
  if (text.size() > longest_lock_text
      || text.find_first_not_of("0123456789\n") != std::string::npos)
    return errors::unsafe_file(lock,
                               "is not a pipeactor server's lock file: choose another pipe name");
  return caf::none;
}

/// Does `path` still name what `fd` has open?
bool names_file(const std::string& path, int fd) {
  struct stat named;
  struct stat opened;
  return lstat(path.c_str(), &named) == 0 && fstat(fd, &opened) == 0
         && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/// Returns false if `path` is certainly not that file any more. A process that gave up its rights
/// may not be able to look.
bool may_still_be(const std::string& path, uint64_t device, uint64_t inode) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0)
    return errno != ENOENT && errno != ENOTDIR;
  return info.st_dev == device && info.st_ino == inode;
}

/// For people: the kernel reports no pid for locks of open file descriptions.
void write_pid(int fd) {
  auto text = std::to_string(getpid()) + "\n";
  auto size = static_cast<ssize_t>(text.size());
  // Not truncated first: ext4 writes such a file to the disk when it is closed. A full disk
  // is no reason to fail, the lock is what counts.
  if (pwrite(fd, text.data(), text.size(), 0) != size || ftruncate(fd, size) != 0)
    return;
}

caf::error lock_file(int fd, const std::string& path) {
  auto lock = whole_file(F_WRLCK);
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
    return caf::none;
  if (errno != EAGAIN && errno != EACCES)
    return unix_error(errno, "cannot lock " + lock_path_of(path));
  // Any user who may read the file can hold a lock of this kind, and no server does.
  if (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_RDLCK)
    return in_use(path, "another program holds a lock on " + lock_path_of(path) + ": remove it");
  auto pid = read_lock_text(fd);
  pid.resize(std::min(pid.find('\n'), pid.size()));
  if (pid.empty())
    return in_use(path, "held by another server");
  if (kill(std::atoi(pid.c_str()), 0) != 0 && errno == ESRCH)
    return in_use(path, "held by a child of process " + pid + ", which has ended: end the child");
  return in_use(path, "held by process " + pid);
}

/// Finds out whether a socket file still has a socket, without showing up in the accept queue of a
/// live server: a SOCK_DGRAM connect to a socket of another type gets EPROTOTYPE. The other types
/// are for kernels that do not report it that way.
caf::error check_dead(const std::string& path) {
  for (auto type : {SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM}) {
    unique_fd fd{socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd)
      return unix_error(errno, "cannot make a socket");
    switch (auto code = connect_to_path(fd.get(), path); code) {
    case ECONNREFUSED:
    case ENOENT:
      break;
    case 0:
    case EAGAIN:
    case EPROTOTYPE:
      return in_use(path, "a live server of another program has it");
    default:
      return unix_error(code, "cannot tell whether the server of " + path + " lives");
    }
  }
  return caf::none;
}

/// Removes the socket file of a dead server. Call with the lock held.
/// @param was_ours whether the lock file was that of an earlier pipeactor server
caf::error clear_path(const std::string& path, bool was_ours) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0)
    return errno == ENOENT ? caf::error{} : unix_error(errno, "cannot look at " + path);
  if (!S_ISSOCK(info.st_mode))
    return make_error(errc::not_a_pipe,
                      fmt::format("{} is there and is not a socket: remove it or choose another "
                                  "pipe name",
                                  path));
  if (auto err = check_dead(path)) {
    // The kernel may free an io_uring, and with it the socket, a moment after the lock.
    if (was_ours && code_of(err) == errc::pipe_in_use)
      return errors::failed(errc::pipe_busy, "cannot claim " + path, 0,
                            "its server has ended, and the system has not freed its socket yet: "
                            "try again");
    return err;
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return unix_error(errno, "cannot remove " + path + ", which a dead server left");
  return caf::none;
}

} // namespace

pipe_name_claim::pipe_name_claim(std::string path, int lock_fd)
    : path_(std::move(path)), lock_fd_(lock_fd), owner_pid_(getpid()) {
  close_in_children(lock_fd);
}

pipe_name_claim::pipe_name_claim(pipe_name_claim&& other) noexcept {
  *this = std::move(other);
}

pipe_name_claim& pipe_name_claim::operator=(pipe_name_claim&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_fd_, other.lock_fd_);
  std::swap(owner_pid_, other.owner_pid_);
  std::swap(socket_device_, other.socket_device_);
  std::swap(socket_inode_, other.socket_inode_);
  return *this;
}

pipe_name_claim::~pipe_name_claim() {
  // A forked child has closed its copy when it began.
  if (!is_owned())
    return;
  unique_fd lock{lock_fd_};
  if (socket_inode_ != 0 && has_socket_file())
    unlink(path_.c_str());
  // If somebody removed our lock file, the one there now may be another server's.
  if (auto path = lock_path_of(path_); names_file(path, lock_fd_))
    unlink(path.c_str());
  // Closing would do only if no other process shares the descriptor.
  auto none = whole_file(F_UNLCK);
  fcntl(lock_fd_, F_OFD_SETLK, &none);
}

std::string pipe_name_claim::lock_path() const {
  return lock_path_of(path_);
}

bool pipe_name_claim::is_owned() const noexcept {
  return lock_fd_ >= 0 && owner_pid_ == getpid();
}

bool pipe_name_claim::is_intact() const noexcept {
  struct stat lock;
  return fstat(lock_fd_, &lock) == 0 && may_still_be(path_, socket_device_, socket_inode_)
         && may_still_be(lock_path_of(path_), lock.st_dev, lock.st_ino);
}

bool pipe_name_claim::has_socket_file() const noexcept {
  struct stat info;
  return lstat(path_.c_str(), &info) == 0 && info.st_ino == socket_inode_
         && info.st_dev == socket_device_;
}

caf::expected<pipe_name_claim> pipe_name_claim::acquire(const std::string& path, bool readable) {
  auto lock = lock_path_of(path);
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    auto fd = open_lock_file(lock);
    if (!fd) {
      struct stat info;
      auto is_foreign = lstat(lock.c_str(), &info) == 0 && info.st_uid != geteuid();
      return is_foreign && is_held(path) ? of_other_user(path, info.st_uid) : std::move(fd.error());
    }
    if (auto err = check_lock_file(fd->get(), path))
      return err;
    if (auto err = lock_file(fd->get(), path))
      return err;
    // The holder before may have removed the file between our open and our lock.
    if (!names_file(lock, fd->get()))
      continue;
    // From here on the destructor removes the lock file, even one that was there before: without a
    // server it is of no use.
    pipe_name_claim result{path, fd->release()};
    auto was_ours = !read_lock_text(result.lock_fd_).empty();
    if (fchmod(result.lock_fd_, readable ? 0644 : 0600) != 0)
      return unix_error(errno, "cannot set the mode of " + lock);
    write_pid(result.lock_fd_);
    if (auto err = clear_path(path, was_ours)) {
      // The next attempt has to find the lock file of a server.
      if (code_of(err) == errc::pipe_busy)
        unique_fd{std::exchange(result.lock_fd_, -1)};
      return err;
    }
    return result;
  }
  return in_use(path, "its lock file changes all the time");
}

bool pipe_name_claim::is_held(const std::string& path) {
  unique_fd fd{
    open(lock_path_of(path).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  auto lock = whole_file(F_WRLCK);
  // Anybody who may read the file can hold a read lock.
  return fd && fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK;
}

void pipe_name_claim::socket_bound() noexcept {
  struct stat info;
  if (lstat(path_.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
    socket_device_ = info.st_dev;
    socket_inode_ = info.st_ino;
  }
}

} // namespace pipeactor::port
