// Which servers live, read from their locks: no server notices.

#include "port/linux/pipe_discovery.hpp"

#include "pipeactor/error.hpp"
#include "base/pattern.hpp"
#include "port/linux/pipe_name.hpp"
#include "port/linux/pipe_name_claim.hpp"
#include "port/linux/unix_error.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace pipeactor::port {

namespace {

struct close_directory {
  void operator()(DIR* stream) const noexcept {
    closedir(stream);
  }
};

bool is_socket(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

} // namespace

caf::expected<std::vector<std::string>> find_pipe_names(const std::string& pattern) {
  std::vector<std::string> result;
  for (auto place : {pipe_place::own, pipe_place::shared}) {
    auto directories = pipe_directories(place);
    for (auto& directory : directories) {
      auto err = place == pipe_place::own ? check_directory(directory)
                                          : check_shared_directory(directory);
      // One that servers used to be in, and that is not safe, has no server of ours.
      if (code_of(err) == errc::no_such_pipe || (err && directory != directories.front()))
        continue;
      if (!err)
        err = find_pipe_names_in(directory, pattern, result);
      if (err)
        return err;
    }
  }
  // A name may live in both.
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

caf::error find_pipe_names_in(const std::string& directory, const std::string& pattern,
                              std::vector<std::string>& names) {
  std::unique_ptr<DIR, close_directory> stream{opendir(directory.c_str())};
  if (stream == nullptr)
    return errno == ENOENT ? caf::error{}
                           : unix_error(errno, "cannot look for pipes in " + directory);
  while (auto* entry = readdir(stream.get())) {
    std::string name = entry->d_name;
    if (!is_leaf_name(name) || !detail::matches(pattern, name))
      continue;
    auto path = directory + "/" + name;
    if (is_socket(path) && pipe_name_claim::is_held(path))
      names.push_back(std::move(name));
  }
  return caf::none;
}

} // namespace pipeactor::port
