#include "pipeactor/port/uring.hpp"

#include "pipeactor/error.hpp"
#include "pipeactor/port/unix_socket.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

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

// -- uring ------------------------------------------------------------------------------------

uring::~uring() {
  if (open_)
    io_uring_queue_exit(&ring_);
}

caf::error uring::open() {
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN
                 | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL
                 | IORING_SETUP_CLAMP;
  params.cq_entries = defaults::uring_completion_entries;
  auto result = io_uring_queue_init_params(defaults::uring_submission_entries, &ring_, &params);
  if (result < 0)
    return make_error(errc::not_supported,
                      "io_uring is refused here (by a container, kernel.io_uring_disabled, "
                      "RLIMIT_MEMLOCK or an old kernel): use port auto or epoll",
                      -result);
  open_ = true;
  constexpr auto features = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_CQE_SKIP;
  if ((params.features & features) != features)
    return make_error(errc::not_supported,
                      "this kernel's io_uring is too old: use port auto or epoll");
  // Saves a look-up of the descriptor in every system call; works without, too.
  io_uring_register_ring_fd(&ring_);
  return caf::none;
}

io_uring_sqe* uring::next_entry() noexcept {
  auto* entry = io_uring_get_sqe(&ring_);
  while (entry == nullptr) {
    io_uring_submit(&ring_);
    entry = io_uring_get_sqe(&ring_);
  }
  return entry;
}

void uring::submit() noexcept {
  if (io_uring_sq_ready(&ring_) > 0 || (flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0)
    io_uring_submit_and_get_events(&ring_);
}

bool uring::flush_overflow() noexcept {
  if (!has_overflow())
    return false;
  io_uring_get_events(&ring_);
  return true;
}

void uring::submit_and_wait(time_point deadline) noexcept {
  if (io_uring_cq_ready(&ring_) > 0) {
    submit();
    return;
  }
  io_uring_cqe* entry = nullptr;
  if (deadline == time_point::max()) {
    io_uring_submit_and_wait_timeout(&ring_, &entry, 1, nullptr, nullptr);
    return;
  }
  auto left = std::max(deadline - clock::now(), clock::duration::zero());
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds);
  __kernel_timespec timeout{seconds.count(), rest.count()};
  io_uring_submit_and_wait_timeout(&ring_, &entry, 1, &timeout, nullptr);
}

bool uring::has_work() const noexcept {
  return io_uring_cq_ready(&ring_) > 0
         || (flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

unsigned uring::flags() const noexcept {
  return __atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED);
}

// -- uring_buffers ----------------------------------------------------------------------------

uring_buffers::uring_buffers(uring& ring, uint16_t group, size_t buffer_size)
    : ring_(ring), group_(group), pool_(buffer_size),
      wanted_(std::min(first_wanted, pool_.capacity() / 4)) {}

caf::expected<std::unique_ptr<uring_buffers>> uring_buffers::make(uring& ring, uint16_t group,
                                                                  size_t buffer_size) {
  std::unique_ptr<uring_buffers> result{new uring_buffers(ring, group, buffer_size)};
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

uring_buffers::~uring_buffers() {
  if (entries_ == nullptr)
    return;
  io_uring_unregister_buf_ring(ring_.native(), group_);
  munmap(entries_, entries_size_);
}

void uring_buffers::refill() noexcept {
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

void uring_buffers::grow() noexcept {
  // A quarter of the buffers at most. Payloads that are kept may hold the others; and a burst that
  // is taken in several turns finds more of itself in the cache when it is answered.
  if (wanted_ <= most_wanted())
    wanted_ = std::min(wanted_ * 2, pool_.capacity() / 4);
  refill();
}

uint32_t uring_buffers::most_wanted() const noexcept {
  auto most = std::max<size_t>(hot_bytes / (longest_ + 1), fewest_wanted);
  return static_cast<uint32_t>(std::min<size_t>(most, pool_.capacity()));
}

} // namespace pipeactor::port
