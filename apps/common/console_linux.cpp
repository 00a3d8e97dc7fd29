#include "common/console.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <system_error>

namespace {

using namespace std::chrono_literals;

constexpr size_t input_chunk = 65536;
/// How often a write that is held up checks its deadline.
constexpr auto write_patience = 100ms;

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t result;
  sigemptyset(&result);
  for (auto signal : signals)
    sigaddset(&result, signal);
  return result;
}

int milliseconds_until(console::clock::time_point deadline) {
  if (deadline == console::clock::time_point::max())
    return -1;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - console::clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT_MAX));
}

/// Returns how much a write takes without blocking once poll(2) reports room: PIPE_BUF, pipe(7),
/// or anything for a file.
size_t longest_write_to(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? SIZE_MAX : PIPE_BUF;
}

int checked(int fd, const char* what) {
  if (fd < 0)
    throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

} // namespace

struct console::platform {
  ~platform() {
    close(signals);
    close(notifications);
  }

  int signals = -1;
  int notifications = -1;
  size_t longest_write = longest_write_to(STDOUT_FILENO);
};

console::console()
    : platform_(std::make_shared<platform>()),
      write_deadline_(clock::time_point::max().time_since_epoch().count()) {
  // SIGPIPE is blocked, not ignored: a write reports the broken pipe, and its disposition
  // stays as it was.
  auto blocked = set_of({SIGINT, SIGTERM, SIGHUP, SIGPIPE});
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  auto ending = set_of({SIGINT, SIGTERM, SIGHUP});
  platform_->signals = checked(signalfd(-1, &ending, SFD_CLOEXEC), "cannot wait for signals");
  platform_->notifications = checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                     "cannot make an eventfd");
}

console::~console() = default;

console::event console::wait(interest what, clock::time_point deadline) {
  // poll skips negative descriptors.
  pollfd entries[] = {
    {platform_->signals, POLLIN, 0},
    {platform_->notifications, POLLIN, 0},
    {what.output_end ? STDOUT_FILENO : -1, 0, 0},
    {what.input ? STDIN_FILENO : -1, POLLIN, 0},
  };
  while (poll(entries, std::size(entries), milliseconds_until(deadline)) < 0 && errno == EINTR)
    continue;
  // The signal stays pending, so later calls report it again.
  if (entries[0].revents != 0)
    return event::interrupted;
  if (entries[1].revents != 0) {
    uint64_t count = 0;
    [[maybe_unused]] auto size = ::read(platform_->notifications, &count, sizeof(count));
    return event::notified;
  }
  if ((entries[2].revents & (POLLERR | POLLHUP)) != 0)
    return event::output_gone;
  return entries[3].revents != 0 ? event::input : event::timeout;
}

void console::notify() noexcept {
  uint64_t one = 1;
  [[maybe_unused]] auto size = ::write(platform_->notifications, &one, sizeof(one));
}

bool console::read(std::string& chunk) {
  chunk.resize(input_chunk);
  auto size = ::read(STDIN_FILENO, chunk.data(), chunk.size());
  chunk.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN));
}

bool console::write(std::string_view text) {
  std::lock_guard guard{output_mutex_};
  while (!text.empty() && !output_broken_.load()) {
    pollfd entry = {STDOUT_FILENO, POLLOUT, 0};
    if (poll(&entry, 1, static_cast<int>(write_patience / 1ms)) == 0) {
      if (clock::now().time_since_epoch().count() < write_deadline_.load())
        continue;
      output_broken_.store(true);
      break;
    }
    auto size = ::write(STDOUT_FILENO, text.data(),
                        std::min(text.size(), platform_->longest_write));
    if (size >= 0) {
      text.remove_prefix(static_cast<size_t>(size));
    } else if (errno != EINTR && errno != EAGAIN) {
      write_error_.store(errno == EPIPE ? 0 : errno);
      output_broken_.store(true);
      notify();
    }
  }
  return text.empty();
}

void console::stop_writing_at(clock::time_point deadline) noexcept {
  write_deadline_.store(deadline.time_since_epoch().count());
}
