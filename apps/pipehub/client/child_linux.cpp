#include "client/child.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace pipehub {

namespace {

/// A descriptor that closes itself.
class descriptor {
public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  ~descriptor() {
    reset();
  }

  int get() const noexcept {
    return fd_;
  }

  void reset() noexcept {
    if (fd_ >= 0)
      close(fd_);
    fd_ = -1;
  }

private:
  int fd_;
};

/// Puts all input into a file without a name: a pipe would wait for the child to read.
bool fill(int fd, const std::string& input) {
  for (size_t at = 0; at < input.size();) {
    auto size = write(fd, input.data() + at, input.size() - at);
    if (size < 0)
      return false;
    at += static_cast<size_t>(size);
  }
  return lseek(fd, 0, SEEK_SET) == 0;
}

std::string read_all(int fd) {
  std::string result;
  char chunk[65536];
  for (;;) {
    auto size = read(fd, chunk, sizeof(chunk));
    if (size < 0 && errno == EINTR)
      continue;
    if (size <= 0)
      return result;
    result.append(chunk, static_cast<size_t>(size));
  }
}

/// Starts the shell. This process blocks signals, which its children must not inherit.
int spawn_shell(const std::string& command, int input, int output, pid_t& child) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::string words[] = {"sh", "-c", command};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  auto result = posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return result;
}

std::string failure_of(int status) {
  if (WIFSIGNALED(status))
    return "signal " + std::to_string(WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "" : "exit code " + std::to_string(WEXITSTATUS(status));
}

} // namespace

child_result run_child(const std::string& command, const std::string& input) {
  descriptor file{memfd_create("input", MFD_CLOEXEC)};
  int ends[2] = {-1, -1};
  if (file.get() < 0 || !fill(file.get(), input) || pipe2(ends, O_CLOEXEC) != 0)
    return {{}, std::strerror(errno)};
  descriptor reader{ends[0]};
  descriptor writer{ends[1]};
  pid_t child = 0;
  if (auto code = spawn_shell(command, file.get(), writer.get(), child); code != 0)
    return {{}, std::strerror(code)};
  writer.reset();
  child_result result;
  result.output = read_all(reader.get());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  result.failure = failure_of(status);
  return result;
}

} // namespace pipehub
