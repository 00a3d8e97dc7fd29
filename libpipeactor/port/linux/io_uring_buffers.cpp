#include "port/linux/io_uring_buffers.hpp"

#include "pipeactor/error.hpp"
#include "port/linux/unix_error.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

namespace pipeactor::port {

namespace {

/// Buffers that are ready at first, and twice as many each time that they run out. The kernel
/// gives none back when long messages come, and each of these would be cold.
constexpr uint32_t first_wanted = 16;
/// The kernel uses buffers in turn, not the last one first: of long messages only as many
/// are kept ready as have this many bytes together, or each would touch cold memory.
constexpr size_t hot_bytes = size_t{16} << 20;
constexpr size_t fewest_wanted = 8;

} // namespace

io_uring_buffers::io_uring_buffers(io_uring_ring& ring, uint16_t group, size_t buffer_size)
    : ring_(ring), group_(group), pool_(buffer_size),
      wanted_(std::min(first_wanted, pool_.capacity() / 4)) {}

caf::expected<std::unique_ptr<io_uring_buffers>>
io_uring_buffers::make(io_uring_ring& ring, uint16_t group, size_t buffer_size) {
  std::unique_ptr<io_uring_buffers> result{new io_uring_buffers(ring, group, buffer_size)};
  auto count = result->pool_.capacity();
  result->entries_size_ = count * sizeof(io_uring_buf);
  auto* memory = mmap(nullptr, result->entries_size_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return unix_error(errno, "cannot map a ring of receive buffers");
  result->entries_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_ring_init(result->entries_);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(memory);
  registration.ring_entries = count;
  registration.bgid = group;
  if (auto error = io_uring_register_buf_ring(ring.native(), &registration, 0); error < 0)
    return unix_error(-error, "cannot register a ring of receive buffers");
  result->refill();
  return result;
}

io_uring_buffers::~io_uring_buffers() {
  if (entries_ == nullptr)
    return;
  // A closed ring has forgotten it; a ring that refuses does not use it any longer either.
  if (ring_.is_open())
    io_uring_unregister_buf_ring(ring_.native(), group_);
  munmap(entries_, entries_size_);
}

void io_uring_buffers::refill() noexcept {
  auto mask = io_uring_buf_ring_mask(pool_.capacity());
  auto wanted = std::min(wanted_, most_wanted());
  // Forgets a long message in some hundreds of turns.
  longest_ -= longest_ / 64;
  int added = 0;
  for (; provided_ < wanted; ++provided_) {
    auto index = pool_.acquire();
    if (index == buffer_pool::none)
      break;
    io_uring_buf_ring_add(entries_, pool_.data(index), static_cast<unsigned>(pool_.buffer_size()),
                          static_cast<unsigned short>(index), mask, added++);
  }
  if (added > 0)
    io_uring_buf_ring_advance(entries_, added);
}

void io_uring_buffers::grow() noexcept {
  // A quarter of the buffers at most. Payloads that are kept may hold the others; and a burst that
  // is taken in several turns finds more of itself in the cache when it is answered.
  if (wanted_ <= most_wanted())
    wanted_ = std::min(wanted_ * 2, pool_.capacity() / 4);
  refill();
}

uint32_t io_uring_buffers::most_wanted() const noexcept {
  auto most = std::max<size_t>(hot_bytes / (longest_ + 1), fewest_wanted);
  return static_cast<uint32_t>(std::min<size_t>(most, pool_.capacity()));
}

} // namespace pipeactor::port
