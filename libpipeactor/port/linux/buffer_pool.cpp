#include "port/linux/buffer_pool.hpp"

#include "pipeactor/defaults.hpp"

#include <sys/mman.h>

#include <cassert>
#include <new>
#include <utility>

namespace pipeactor::port {

namespace {

constexpr size_t page_size = 4096;
constexpr size_t cache_line = 64;
constexpr uint32_t fewest_buffers = 8;
/// While the pool's written pages exceed this, a returned buffer gives its pages back to the
/// system: a burst of large messages must not occupy memory for ever, and a steady stream of them
/// must not fault its pages in again each time.
constexpr size_t resident_limit = size_t{256} << 20;

/// Stands for the next returned buffer if the pool is gone.
constexpr uint32_t closed = buffer_pool::none - 1;

size_t round_up(size_t value, size_t unit) {
  return (value + unit - 1) / unit * unit;
}

/// Returns a number, never 0, that no other thread has or will have (an id of the system's
/// may be used again).
uint64_t this_thread_number() noexcept {
  static std::atomic<uint64_t> last{0};
  thread_local uint64_t number = 0;
  if (number == 0)
    number = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return number;
}

} // namespace

/// The mapping and what payloads refer to. Lives until the pool and the last of its
/// payloads are gone.
struct buffer_pool::shared {
  struct block : detail::payload_block {
    shared* owner = nullptr;
    uint32_t index = 0;
    uint32_t next = none;
  };

  shared(buffer_pool* pool, std::byte* memory, size_t stride, size_t size, uint32_t count)
      : pool(pool), memory(memory), stride(stride), size(size), count(count),
        blocks(new block[count]) {
    for (uint32_t index = 0; index < count; ++index) {
      blocks[index].owner = this;
      blocks[index].index = index;
      blocks[index].dispose = dispose;
    }
  }

  ~shared() {
    munmap(memory, stride * count);
  }

  static void dispose(detail::payload_block* base) noexcept {
    auto* self = static_cast<block*>(base);
    auto* owner = self->owner;
    if (owner->thread.load(std::memory_order_relaxed) == this_thread_number()) {
      owner->pool->take_back(self->index);
      return;
    }
    // A buffer that is on its way back is pushed to a stack that only the pool's thread
    // takes, all at once: no ABA.
    auto head = owner->returned.load(std::memory_order_relaxed);
    do {
      if (head == closed) {
        owner->add_orphans(-1);
        return;
      }
      self->next = head;
    } while (!owner->returned.compare_exchange_weak(head, self->index, std::memory_order_release,
                                                    std::memory_order_relaxed));
  }

  /// Payloads that find the pool gone count themselves off, even before the pool has said how many
  /// there are; the last one to count frees the memory.
  void add_orphans(int64_t count) noexcept {
    if (orphans.fetch_add(count, std::memory_order_acq_rel) + count == 0)
      delete this;
  }

  /// The pool and the only thread that uses it: 0 when it is gone.
  buffer_pool* pool;
  std::atomic<uint64_t> thread{this_thread_number()};
  std::byte* memory;
  size_t stride;
  size_t size;
  uint32_t count;
  std::unique_ptr<block[]> blocks;
  std::atomic<uint32_t> returned{none};
  std::atomic<int64_t> orphans{0};
};

buffer_pool::buffer_pool(size_t size) {
  // A cache line more than whole pages, so that the beginnings of the buffers, all that
  // short messages touch, spread over the sets of the cache.
  auto stride = round_up(size, page_size) + page_size + cache_line;
  for (auto count = static_cast<uint32_t>(defaults::receive_buffers); count >= fewest_buffers;
       count /= 2) {
    written_.resize(count);
    free_.reserve(count);
    auto* memory = mmap(nullptr, stride * count, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
      continue;
    // Huge pages would make one short message cost 2 MiB.
    madvise(memory, stride * count, MADV_NOHUGEPAGE);
    try {
      shared_ = new shared{this, static_cast<std::byte*>(memory), stride, size, count};
    } catch (...) {
      munmap(memory, stride * count);
      throw;
    }
    for (auto index = count; index > 0; --index)
      free_.push_back(index - 1);
    return;
  }
  throw std::bad_alloc{};
}

buffer_pool::~buffer_pool() {
  shared_->thread.store(0, std::memory_order_relaxed);
  take_back_all(shared_->returned.exchange(closed, std::memory_order_acq_rel));
  if (kept_ == 0)
    delete shared_;
  else
    shared_->add_orphans(kept_);
}

size_t buffer_pool::buffer_size() const noexcept {
  return shared_->size;
}

uint32_t buffer_pool::capacity() const noexcept {
  return shared_->count;
}

uint32_t buffer_pool::acquire() noexcept {
  if (free_.empty() || shared_->returned.load(std::memory_order_relaxed) != none)
    take_back_all(shared_->returned.exchange(none, std::memory_order_acquire));
  if (free_.empty())
    return none;
  auto index = free_.back();
  free_.pop_back();
  return index;
}

void buffer_pool::release(uint32_t index) noexcept {
  assert(index < shared_->count);
  if (resident_ > resident_limit && written_[index] > page_size) {
    auto begin = reinterpret_cast<uintptr_t>(data(index)) / page_size * page_size;
    madvise(reinterpret_cast<void*>(begin), round_up(written_[index], page_size), MADV_DONTNEED);
    resident_ -= written_[index];
    written_[index] = 0;
  }
  free_.push_back(index);
}

std::byte* buffer_pool::data(uint32_t index) const noexcept {
  return shared_->memory + shared_->stride * index;
}

payload buffer_pool::make_payload(uint32_t index, size_t size, detail::payload_account* account) {
  auto* bytes = data(index);
  if (size > written_[index]) {
    resident_ += size - written_[index];
    written_[index] = size;
  }
  auto most_kept = size <= defaults::short_message ? capacity() / 2 : capacity() / 4 * 3;
  if (kept_ >= most_kept) {
    payload copy{detail::copy_received(bytes, size, account)};
    release(index);
    return copy;
  }
  auto* block = &shared_->blocks[index];
  block->references.store(1, std::memory_order_relaxed);
  block->data = bytes;
  block->size = size;
  block->charge(account);
  ++kept_;
  return payload{block};
}

void buffer_pool::take_back(uint32_t index) noexcept {
  --kept_;
  release(index);
}

void buffer_pool::take_back_all(uint32_t first) noexcept {
  for (auto index = first; index != none;)
    take_back(std::exchange(index, shared_->blocks[index].next));
}

} // namespace pipeactor::port
