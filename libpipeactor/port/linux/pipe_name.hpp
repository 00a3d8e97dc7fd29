#pragma once

// The place of a pipe name in the file system.

#include "pipeactor/caf.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pipeactor::port {

/// The directory that a leaf name is in.
enum class pipe_place : uint8_t {
  /// In a directory that only the calling user can enter.
  own,
  /// In /run/pipeactor, which the administrator makes for the pipes of several users.
  shared,
};

/// Returns all directories that servers of a place may be in, that of a new one first: the user's
/// own was another before /run/user/<uid> came, and will be when it goes.
std::vector<std::string> pipe_directories(pipe_place place);

/// Returns the path of the socket file that `name` stands for, without touching the
/// file system: an absolute path stands for itself, a leaf name for a file in
/// `pipe_directory(place)`.
/// @returns an error for a name that is empty (`errc::missing_pipe_name`), that has a
///   slash, a backslash, a control character or a NUL, is "." or "..", starts with a
///   dot or ends with ".lock" (`errc::invalid_pipe_name`; in an absolute path: a control
///   character, a NUL or a slash at the end), or whose path does not fit a socket address:
///   107 bytes, unix(7) (`errc::pipe_name_too_long`)
caf::expected<std::string> pipe_path(const std::string& name, pipe_place place = pipe_place::own);

/// Returns the directory of leaf names: `/run/pipeactor` for those that users share. The calling
/// user's own is `/run/user/<uid>/pipeactor` if `/run/user/<uid>` is a directory of that user that
/// nobody else may write to, else `/tmp/pipeactor-<uid>`. <uid> is the effective user id.
std::string pipe_directory(pipe_place place = pipe_place::own);

/// Creates the per-user directory of a leaf name with mode 0700, or checks the one that
/// is there; the shared one is checked only. Does nothing for an absolute path.
/// @returns `errc::unsafe_directory` if it is a symbolic link, is no directory, belongs to another
///   user or lets others in; for the shared one, if it is not root's, or if others may remove files
///   that are not theirs (no sticky bit)
caf::error prepare_pipe_directory(const std::string& name, pipe_place place = pipe_place::own);

/// The same check for a client, which never creates the directory: a missing one is
/// `errc::no_such_pipe`.
caf::error check_pipe_directory(const std::string& name, pipe_place place = pipe_place::own);

/// The parts of the functions above for a directory that is known.
caf::error prepare_directory(const std::string& directory);
caf::error check_directory(const std::string& directory);
caf::error check_shared_directory(const std::string& directory);
/// Returns whether a file in a pipe directory can be the socket of a leaf name.
bool is_leaf_name(const std::string& name);

} // namespace pipeactor::port
