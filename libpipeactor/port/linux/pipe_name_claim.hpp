#pragma once

#include "pipeactor/caf.hpp"

#include <cstdint>
#include <string>

namespace pipeactor::port {

/// The right to use a socket path: holds an exclusive open-file-description lock
/// (fcntl(2), F_OFD_SETLK) on "<path>.lock" as long as it lives. The kernel drops the lock with the
/// process, so a crashed server's name is free at once and a live one's never.
class pipe_name_claim {
public:
  pipe_name_claim() = default;
  pipe_name_claim(pipe_name_claim&& other) noexcept;
  pipe_name_claim& operator=(pipe_name_claim&& other) noexcept;

  /// Removes the socket file (if `socket_bound` was called and it is still that one) and the lock
  /// file, then drops the lock. In a forked child it removes nothing.
  ~pipe_name_claim();

  /// Claims `path` and removes the socket file that a dead server left there.
  /// @returns `errc::pipe_busy` if it has to be tried again, see completion_port::listen;
  ///   `errc::pipe_in_use` if a live server holds it (with its pid if known),
  ///   `errc::not_a_pipe` if something that is not a socket is there, `errc::access_denied`,
  ///   `errc::unsafe_directory` ("<path>.lock" is a link, another user's file or no lock file of
  ///   ours), `errc::out_of_resources` or `errc::os_error`
  /// @param readable whether other users are to learn that the server lives: the lock file's
  ///   mode is 0644, else 0600
  static caf::expected<pipe_name_claim> acquire(const std::string& path, bool readable = false);

  /// Returns whether a live pipeactor server holds `path`, without disturbing it (F_OFD_GETLK).
  /// False if the caller may not open the lock file.
  static bool is_held(const std::string& path);

  /// Notes that the caller has bound its socket to path(): the file to remove at the end.
  /// Another server's, found there when bind(2) failed or put there since, is never removed.
  void socket_bound() noexcept;

  /// Returns whether lock file and socket file are still there, and ours, as far as this process
  /// may look.
  bool is_intact() const noexcept;

  /// Returns whether this process made the claim, and is not a forked child of it.
  bool is_owned() const noexcept;

  const std::string& path() const noexcept {
    return path_;
  }

  std::string lock_path() const;

private:
  pipe_name_claim(std::string path, int lock_fd);

  bool has_socket_file() const noexcept;

  std::string path_;
  int lock_fd_ = -1;
  /// The process that may remove files: not its forked children.
  int owner_pid_ = 0;
  /// The socket file that was bound; inode 0 is none.
  uint64_t socket_device_ = 0;
  uint64_t socket_inode_ = 0;
};

} // namespace pipeactor::port
