#include "port/linux/known_ids.hpp"

#include <cinttypes>
#include <cstdio>
#include <memory>

namespace pipeactor::port {

namespace {

constexpr uint32_t usual_overflow_id = 65534;
constexpr uint32_t no_id = UINT32_MAX;

struct close_file {
  void operator()(FILE* file) const noexcept {
    fclose(file);
  }
};

using file_ptr = std::unique_ptr<FILE, close_file>;

uint32_t read_overflow_id(const char* path) noexcept {
  file_ptr file{fopen(path, "re")};
  uint32_t result = 0;
  return file != nullptr && fscanf(file.get(), "%" SCNu32, &result) == 1 ? result
                                                                         : usual_overflow_id;
}

/// Returns whether every id has a number here, so that the overflow id stands for itself.
bool maps_all(const char* path) noexcept {
  file_ptr file{fopen(path, "re")};
  uint64_t mapped = 0;
  uint32_t inside = 0;
  uint32_t outside = 0;
  uint32_t count = 0;
  while (file != nullptr
         && fscanf(file.get(), "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside, &outside, &count) == 3)
    mapped += count;
  return mapped >= no_id;
}

} // namespace

int64_t known_id(uint32_t id, uint32_t overflow_id, const char* map) noexcept {
  return id == no_id || (id == overflow_id && !maps_all(map)) ? -1 : int64_t{id};
}

int64_t known_user(uid_t id) noexcept {
  static const auto overflow_id = read_overflow_id("/proc/sys/kernel/overflowuid");
  return known_id(id, overflow_id, "/proc/self/uid_map");
}

int64_t known_group(gid_t id) noexcept {
  static const auto overflow_id = read_overflow_id("/proc/sys/kernel/overflowgid");
  return known_id(id, overflow_id, "/proc/self/gid_map");
}

} // namespace pipeactor::port
