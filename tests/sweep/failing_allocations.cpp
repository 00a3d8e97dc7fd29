#include "sweep/failing_allocations.hpp"

#include "sweep/failing_scope.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace sweep {

namespace {

std::atomic<long> living{0};
long number_that_fails = 0;
long counted = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  if (failing_scope::is_active() && ++counted == number_that_fails)
    throw std::bad_alloc{};
  auto* result = alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__
                   ? std::malloc(size != 0 ? size : 1)
                   : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (result == nullptr)
    throw std::bad_alloc{};
  ++living;
  return result;
}

void release(void* block) noexcept {
  if (block == nullptr)
    return;
  --living;
  std::free(block);
}

} // namespace

long living_allocations() noexcept {
  return living;
}

void fail_allocation(long number) noexcept {
  number_that_fails = number;
  counted = 0;
}

long counted_allocations() noexcept {
  return counted;
}

} // namespace sweep

// The array forms and those that do not throw call these.

void* operator new(std::size_t size) {
  return sweep::allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}

void* operator new(std::size_t size, std::align_val_t alignment) {
  return sweep::allocate(size, static_cast<std::size_t>(alignment));
}

void operator delete(void* block) noexcept {
  sweep::release(block);
}

void operator delete(void* block, std::size_t) noexcept {
  sweep::release(block);
}

void operator delete(void* block, std::align_val_t) noexcept {
  sweep::release(block);
}

void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  sweep::release(block);
}
