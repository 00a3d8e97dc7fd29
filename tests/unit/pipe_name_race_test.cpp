// Claims that are made and given up again and again, by several threads and with several processes.

#include "pipeactor/error.hpp"
#include "port/linux/pipe_name_claim.hpp"
#include "port/linux/unique_fd.hpp"

#include "unix_helpers.hpp"

#include <climits>

#include <atomic>
#include <thread>

using namespace pipeactor;
using namespace pipeactor::port;
using namespace unix_helpers;

namespace {

/// Returns a descriptor of this process for `path`, or -1.
int descriptor_of(const std::string& path) {
  for (auto& name : files_in("/proc/self/fd")) {
    char target[PATH_MAX];
    auto size = readlink(("/proc/self/fd/" + name).c_str(), target, sizeof(target));
    if (size > 0 && std::string_view{target, static_cast<size_t>(size)} == path)
      return std::atoi(name.c_str());
  }
  return -1;
}

bool is_locked(const unique_fd& file) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  REQUIRE(fcntl(file.get(), F_OFD_GETLK, &lock) == 0);
  return lock.l_type != F_UNLCK;
}

} // namespace

TEST_CASE("pipe_name_claim is held by one thread at a time, however many want it") {
  temp_directory directory;
  auto path = directory / "pipe";
  std::atomic<int> holders{0};
  std::atomic<int> collisions{0};
  std::atomic<int> surprises{0};
  std::atomic<int> successes{0};
  auto run = [&] {
    for (int round = 0; round < 2000; ++round) {
      auto claim = pipe_name_claim::acquire(path);
      if (!claim) {
        if (code_of(claim.error()) != errc::pipe_in_use)
          ++surprises;
        continue;
      }
      ++successes;
      if (holders.fetch_add(1) != 0)
        ++collisions;
      // It may have locked a file that the holder before removed.
      if (!pipe_name_claim::is_held(path))
        ++surprises;
      holders.fetch_sub(1);
    }
  };
  std::vector<std::thread> threads;
  for (int index = 0; index < 4; ++index)
    threads.emplace_back(run);
  for (auto& thread : threads)
    thread.join();
  CHECK(collisions == 0);
  CHECK(surprises == 0);
  CHECK(successes > 0);
  CHECK(files_in(directory.path()).empty());
}

TEST_CASE("pipe_name_claim leaves neither a file nor a descriptor after 1,000 rounds") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto descriptors = open_descriptors();
  for (int round = 0; round < 1000; ++round) {
    auto claim = pipe_name_claim::acquire(path);
    REQUIRE(claim);
    if (round % 10 == 0)
      REQUIRE(code_of(pipe_name_claim::acquire(path).error()) == errc::pipe_in_use);
  }
  CHECK(files_in(directory.path()).empty());
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("pipe_name_claim drops its lock although somebody else shares the descriptor") {
  temp_directory directory;
  auto path = directory / "pipe";
  for (int round = 0; round < 3; ++round) {
    unique_fd shared;
    unique_fd other;
    {
      auto claim = pipe_name_claim::acquire(path);
      REQUIRE(claim);
      // As after fork(2) and exec(3) of a program that was given it.
      shared = unique_fd{dup(descriptor_of(claim->lock_path()))};
      REQUIRE(shared);
      other = unique_fd{open(claim->lock_path().c_str(), O_RDWR | O_CLOEXEC)};
      REQUIRE(other);
      CHECK(is_locked(other));
    }
    CHECK_FALSE(is_locked(other));
  }
}
