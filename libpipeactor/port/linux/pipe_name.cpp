#include "port/linux/pipe_name.hpp"

#include "base/errors.hpp"
#include "port/linux/known_ids.hpp"
#include "port/linux/unix_error.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace pipeactor::port {

namespace {

constexpr std::string_view lock_suffix = ".lock";
constexpr const char* shared_directory = "/run/pipeactor";
constexpr const char* shared_directory_advice
  = ": the administrator makes it: install -d -m 1777 /run/pipeactor (docs/deployment.md); or use "
    "an absolute path";
/// A terminating NUL always fits, so that programs that print sun_path are safe.
constexpr size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;
bool is_absolute(const std::string& name) {
  return !name.empty() && name.front() == '/';
}

bool has_suffix(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

bool is_control(char c) {
  auto value = static_cast<unsigned char>(c);
  return value < 0x20 || value == 0x7f;
}

/// Returns what is wrong with a name, or nullptr.
const char* flaw_of(const std::string& name) {
  if (std::any_of(name.begin(), name.end(), is_control))
    return "has a control character";
  if (is_absolute(name))
    return name.back() == '/' ? "ends with a slash" : nullptr;
  if (name.find_first_of("/\\") != std::string::npos)
    return "has a slash or backslash and is not an absolute path";
  if (name.front() == '.')
    return "starts with a dot";
  return has_suffix(name, lock_suffix) ? "ends with .lock, as the lock files of servers do"
                                       : nullptr;
}

} // namespace

caf::expected<std::string> pipe_path(const std::string& name, pipe_place place) {
  if (name.empty())
    return make_error(errc::missing_pipe_name);
  if (auto* flaw = flaw_of(name); flaw != nullptr)
    return errors::invalid_pipe_name(flaw);
  auto path = is_absolute(name) ? name : pipe_directory(place) + "/" + name;
  if (path.size() > longest_path)
    return errors::pipe_name_too_long(path, longest_path);
  return path;
}

std::string pipe_directory(pipe_place place) {
  return pipe_directories(place).front();
}

std::vector<std::string> pipe_directories(pipe_place place) {
  if (place == pipe_place::shared)
    return {shared_directory};
  auto uid = geteuid();
  auto runtime = "/run/user/" + std::to_string(uid);
  auto temporary = "/tmp/pipeactor-" + std::to_string(uid);
  struct stat info;
  // Not $XDG_RUNTIME_DIR: server and client must agree whatever their environments say.
  if (lstat(runtime.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == uid
      && (info.st_mode & 022) == 0)
    return {runtime + "/pipeactor", temporary};
  return {temporary};
}

caf::error prepare_pipe_directory(const std::string& name, pipe_place place) {
  if (is_absolute(name))
    return caf::none;
  if (place == pipe_place::own)
    return prepare_directory(pipe_directory());
  auto err = check_shared_directory(shared_directory);
  if (code_of(err) == errc::no_such_pipe)
    return make_error(errc::os_error,
                      std::string{shared_directory} + " is missing" + shared_directory_advice,
                      ENOENT);
  return err;
}

caf::error check_pipe_directory(const std::string& name, pipe_place place) {
  if (is_absolute(name))
    return caf::none;
  return place == pipe_place::own ? check_directory(pipe_directory())
                                  : check_shared_directory(shared_directory);
}

bool is_leaf_name(const std::string& name) {
  return !name.empty() && !is_absolute(name) && flaw_of(name) == nullptr;
}

caf::error prepare_directory(const std::string& directory) {
  // One that was made just now is checked too: another user may have been first.
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    if (errno == ENOENT)
      return errors::failed(errc::os_error, "cannot create " + directory, ENOENT,
                            "its parent directory does not exist: create that first");
    return unix_error(errno, "cannot create " + directory);
  }
  return check_directory(directory);
}

caf::error check_directory(const std::string& directory) {
  struct stat info;
  if (lstat(directory.c_str(), &info) != 0)
    return unix_error(errno, "cannot use " + directory);
  if (S_ISLNK(info.st_mode))
    return errors::unsafe_file(directory, "is a symbolic link: remove it");
  if (!S_ISDIR(info.st_mode))
    return errors::unsafe_file(directory, "is not a directory: remove it");
  if (known_user(info.st_uid) < 0)
    return errors::unsafe_file(directory, "may be anybody's, for this user is not known in this "
                                          "user namespace: use an absolute path");
  if (info.st_uid != geteuid())
    return errors::unsafe_file(directory,
                               fmt::format("belongs to user {}: only that user or root can "
                                           "remove it",
                                           info.st_uid));
  if ((info.st_mode & 077) != 0)
    return errors::unsafe_file(directory, "lets other users in: chmod 700 it");
  return caf::none;
}

caf::error check_shared_directory(const std::string& directory) {
  struct stat info;
  if (lstat(directory.c_str(), &info) != 0)
    return unix_error(errno, "cannot use " + directory);
  if (!S_ISDIR(info.st_mode))
    return errors::unsafe_file(directory,
                               "is not a directory" + std::string{shared_directory_advice});
  if (info.st_uid != 0)
    return errors::unsafe_file(directory,
                               fmt::format("belongs to user {} and not to root: chown root it",
                                           info.st_uid));
  if ((info.st_mode & 022) != 0 && (info.st_mode & S_ISVTX) == 0)
    return errors::unsafe_file(directory, "lets users remove each other's pipes: chmod +t it");
  return caf::none;
}

} // namespace pipeactor::port
