#include "port/linux/fork_guard.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

namespace pipeactor::port {

namespace {

constexpr size_t bits = 64;

struct guarded_descriptors {
  std::mutex mutex;
  /// A bit for each descriptor.
  std::vector<uint64_t> marks;
};

guarded_descriptors& guarded() noexcept;

void before_fork() noexcept {
  guarded().mutex.lock();
}

void in_parent() noexcept {
  guarded().mutex.unlock();
}

void in_child() noexcept {
  auto& [mutex, marks] = guarded();
  for (size_t word = 0; word < marks.size(); ++word)
    for (size_t bit = 0; marks[word] != 0; ++bit, marks[word] >>= 1)
      if ((marks[word] & 1) != 0)
        close(static_cast<int>(word * bits + bit));
  mutex.unlock();
}

/// Never destroyed: a process may fork while static objects are.
guarded_descriptors& guarded() noexcept {
  static auto* result = [] {
    pthread_atfork(before_fork, in_parent, in_child);
    return new guarded_descriptors;
  }();
  return *result;
}

} // namespace

void close_in_children(int fd) noexcept {
  if (fd < 0)
    return;
  auto word = static_cast<size_t>(fd) / bits;
  auto& [mutex, marks] = guarded();
  std::lock_guard guard{mutex};
  try {
    if (marks.size() <= word)
      marks.resize(2 * word + 1);
  } catch (const std::bad_alloc&) {
    return; // children keep it, as they keep others' descriptors
  }
  marks[word] |= uint64_t{1} << (static_cast<size_t>(fd) % bits);
}

void keep_in_children(int fd) noexcept {
  if (fd < 0)
    return;
  auto word = static_cast<size_t>(fd) / bits;
  auto& [mutex, marks] = guarded();
  std::lock_guard guard{mutex};
  if (word < marks.size())
    marks[word] &= ~(uint64_t{1} << (static_cast<size_t>(fd) % bits));
}

} // namespace pipeactor::port
