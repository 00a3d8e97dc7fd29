#pragma once

#include "pipeactor/export.hpp"
#include "pipeactor/detail/caf_compat.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pipeactor {

/// Where a leaf name lies.
enum class pipe_place : uint8_t {
  /// In a directory that only the calling user can enter.
  own,
  /// In /run/pipeactor, which the administrator makes for the pipes of several users.
  shared,
};

/// Returns the path of the socket file that `name` stands for, without touching the
/// file system: an absolute path stands for itself, a leaf name for a file in
/// `pipe_directory(place)`.
/// @returns an error for a name that is empty (`errc::missing_pipe_name`), that has a
///   slash, a backslash, a control character or a NUL, is "." or "..", starts with a
///   dot or ends with ".lock" (`errc::invalid_pipe_name`; in an absolute path: a control
///   character, a NUL or a slash at the end), or whose path does not fit a socket address:
///   107 bytes, unix(7) (`errc::pipe_name_too_long`)
///
/// On Windows a leaf name stands for `\\.\pipe\NAME`, of at most 256 bytes; it has no slash or
/// backslash, does not start with a dot and ends with neither a dot nor a space.
PIPEACTOR_EXPORT caf::expected<std::string> pipe_path(const std::string& name,
                                                      pipe_place place = pipe_place::own);

// -- Linux only, but for find_pipe_names ------------------------------------------------------

/// Returns the directory of leaf names: `/run/pipeactor` for those that users share. The
/// calling user's own is `/run/user/<uid>/pipeactor` where `/run/user/<uid>` is a directory of
/// that user that nobody else may write to, else `/tmp/pipeactor-<uid>`. <uid> is the effective
/// user id.
PIPEACTOR_EXPORT std::string pipe_directory(pipe_place place = pipe_place::own);

/// Creates the per-user directory of a leaf name with mode 0700, or checks the one that
/// is there; the shared one is checked only. Does nothing for an absolute path.
/// @returns `errc::unsafe_directory` where it is a symbolic link, no directory, belongs to
///   another user or lets others in; the shared one where it is not root's, or others may
///   remove what is not theirs (no sticky bit)
PIPEACTOR_EXPORT caf::error prepare_pipe_directory(const std::string& name,
                                                   pipe_place place = pipe_place::own);

/// The same check for a client, which never creates the directory: a missing one is
/// `errc::no_such_pipe`.
PIPEACTOR_EXPORT caf::error check_pipe_directory(const std::string& name,
                                                 pipe_place place = pipe_place::own);

/// Returns the leaf names of live pipeactor servers that match a pattern of `*` and `?`, sorted,
/// of both places. No server notices; one whose lock file the caller may not read is not found.
/// On Windows all pipes there are, whoever serves them.
/// @returns `errc::not_supported` where the system does not list its pipes (Wine)
PIPEACTOR_EXPORT caf::expected<std::vector<std::string>>
find_pipe_names(const std::string& pattern);

namespace detail {

/// What those above do once they know the directory.
caf::error prepare_directory(const std::string& directory);
caf::error check_directory(const std::string& directory);
caf::error check_shared_directory(const std::string& directory);
caf::error find_pipe_names_in(const std::string& directory, const std::string& pattern,
                              std::vector<std::string>& names);

/// Returns whether a file in a pipe directory can be the socket of a leaf name.
bool is_leaf_name(const std::string& name);

} // namespace detail

/// The right to use a socket path: holds an exclusive open-file-description lock
/// (fcntl(2), F_OFD_SETLK) on "<path>.lock" as long as it lives. The kernel drops the lock with the
/// process, so a crashed server's name is free at once and a live one's never.
class PIPEACTOR_EXPORT pipe_name_claim {
public:
  pipe_name_claim() = default;
  pipe_name_claim(pipe_name_claim&& other) noexcept;
  pipe_name_claim& operator=(pipe_name_claim&& other) noexcept;

  /// Removes the socket file (where `socket_bound` was called and it is still that one) and
  /// the lock file, then drops the lock. In a forked child it removes nothing.
  ~pipe_name_claim();

  /// Claims `path` and removes the socket file that a dead server left there.
  /// @returns `errc::pipe_in_use` where a live server holds it (with its pid where known),
  ///   `errc::not_a_pipe` where something that is not a socket is there,
  ///   `errc::access_denied`, `errc::unsafe_directory` (what lies at "<path>.lock" is a link,
  ///   another user's or no lock file of ours), `errc::out_of_resources` or `errc::os_error`
  /// @param readable whether other users are to learn that the server lives: the lock file's
  ///   mode is 0644, else 0600
  static caf::expected<pipe_name_claim> acquire(const std::string& path, bool readable = false);

  /// Returns whether a live pipeactor server holds `path`, without disturbing it
  /// (F_OFD_GETLK). False where the caller may not open the lock file.
  static bool is_held(const std::string& path);

  /// Notes that the caller has bound its socket to path(): the file to remove at the end.
  /// Another server's, found there when bind(2) failed or put there since, is never removed.
  void socket_bound() noexcept;

  const std::string& path() const noexcept {
    return path_;
  }

private:
  pipe_name_claim(std::string path, int lock_fd);

  std::string path_;
  int lock_fd_ = -1;
  /// The process that may remove files: not its forked children.
  int owner_pid_ = 0;
  /// The socket file that was bound; inode 0 is none.
  uint64_t socket_device_ = 0;
  uint64_t socket_inode_ = 0;
};

} // namespace pipeactor
