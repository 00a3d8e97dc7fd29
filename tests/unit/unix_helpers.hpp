#pragma once

// Directories, processes and users for tests of the Linux ports.

#include "pipeactor/error.hpp"
#include "skip.hpp"

#include <catch2/catch.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace unix_helpers {

inline std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> result;
  if (auto* stream = opendir(directory.c_str()); stream != nullptr) {
    while (auto* entry = readdir(stream))
      if (std::string name = entry->d_name; name != "." && name != "..")
        result.push_back(name);
    closedir(stream);
  }
  return result;
}

inline size_t open_descriptors() {
  return files_in("/proc/self/fd").size();
}

/// Leaves this process room for `spare` descriptors more. For child processes only.
inline void limit_descriptors(int spare) {
  // UBSan checks each class once, and takes descriptors for it: now, while there are some.
  pipeactor::describe(pipeactor::make_error(pipeactor::errc::out_of_resources, "", EMFILE));
  int highest = 0;
  for (auto& name : files_in("/proc/self/fd"))
    highest = std::max(highest, std::atoi(name.c_str()));
  // The limit is on numbers, so gaps among them would be room too.
  int next = 0;
  while ((next = dup(0)) >= 0 && next < highest) {
  }
  if (next > highest)
    close(next);
  auto limit = static_cast<rlim_t>(highest + 1 + spare);
  rlimit limits = {limit, limit};
  setrlimit(RLIMIT_NOFILE, &limits);
}

inline bool exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

/// A directory of this test's own, removed at the end with the files in it.
class temp_directory {
public:
  temp_directory() {
    char name[] = "/tmp/pipeactor-test-XXXXXX";
    if (mkdtemp(name) == nullptr)
      throw std::runtime_error{"mkdtemp failed"};
    path_ = name;
  }

  temp_directory(const temp_directory&) = delete;
  temp_directory& operator=(const temp_directory&) = delete;

  ~temp_directory() {
    for (auto& name : files_in(path_))
      if (auto file = path_ + "/" + name; unlink(file.c_str()) != 0)
        rmdir(file.c_str());
    rmdir(path_.c_str());
  }

  const std::string& path() const {
    return path_;
  }

  std::string operator/(const std::string& name) const {
    return path_ + "/" + name;
  }

private:
  std::string path_;
};

constexpr unsigned other_user = 65534;

inline bool is_root() {
  return geteuid() == 0;
}

/// Ends the calling case as not run, unless this process may act as other users.
inline void needs_root() {
  if (!is_root())
    test::skip("as an ordinary user: needs root");
}

inline bool drop_to(unsigned user) {
  return setgroups(0, nullptr) == 0 && setresgid(user, user, user) == 0
         && setresuid(user, user, user) == 0;
}

/// A forked process that runs `body`, writes the string that it returns to a pipe of its
/// own, and then waits to be killed.
class child_process {
public:
  template <class F>
  explicit child_process(F body) {
    int ends[2];
    if (pipe(ends) != 0)
      throw std::runtime_error{"pipe failed"};
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(ends[0]);
      std::string text = body();
      if (write(ends[1], text.data(), text.size()) < 0)
        _exit(1);
      close(ends[1]);
      for (;;)
        pause();
    }
    close(ends[1]);
    char buffer[512];
    for (ssize_t size = 0; (size = read(ends[0], buffer, sizeof(buffer))) > 0;)
      text_.append(buffer, static_cast<size_t>(size));
    close(ends[0]);
  }

  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  ~child_process() {
    end();
  }

  /// Kills the process and waits until it is gone.
  void end() {
    if (pid_ <= 0)
      return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  int pid() const {
    return pid_;
  }

  const std::string& text() const {
    return text_;
  }

private:
  pid_t pid_ = 0;
  std::string text_;
};

/// Runs `body` in a process of its own.
/// @returns the string that it returned
template <class F>
std::string in_child(F body) {
  return child_process{body}.text();
}

/// Runs `body` in a process of another user's. Needs root.
template <class F>
std::string as_user(unsigned user, F body) {
  return in_child([&]() -> std::string { return drop_to(user) ? body() : "cannot drop"; });
}

/// Makes a socket of a program that is not pipeactor.
/// @returns its descriptor
inline int foreign_socket(const std::string& path, int type, bool listening = true) {
  auto fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  if (listening && type != SOCK_DGRAM)
    REQUIRE(listen(fd, 8) == 0);
  return fd;
}

inline void make_file(const std::string& path, const std::string& text = {}) {
  auto* file = fopen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  REQUIRE(fwrite(text.data(), 1, text.size(), file) == text.size());
  fclose(file);
}

/// Returns the beginning of a file; never waits for a fifo's writer.
inline std::string text_of_file(const std::string& path) {
  char buffer[256];
  auto fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  auto size = read(fd, buffer, sizeof(buffer));
  if (fd >= 0)
    close(fd);
  return {buffer, size > 0 ? static_cast<size_t>(size) : 0};
}

} // namespace unix_helpers
