#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace pipeactor::detail {

/// A first-in, first-out queue in one block of memory. Every connection has several, and nearly all
/// of them are empty: a queue has no memory before the first push, and gives a large block back
/// when it runs empty (std::deque holds some 600 bytes from the start). Elements that were moved
/// from must own nothing.
template <class T>
class ring_queue {
public:
  /// A queue that runs empty keeps its block if it has room for this many elements or fewer.
  static constexpr uint32_t kept_capacity = 64;

  ring_queue() noexcept = default;

  ring_queue(ring_queue&& other) noexcept
      : items_(std::move(other.items_)), capacity_(std::exchange(other.capacity_, 0)),
        head_(std::exchange(other.head_, 0)), size_(std::exchange(other.size_, 0)) {}

  ring_queue& operator=(ring_queue other) noexcept {
    std::swap(items_, other.items_);
    std::swap(capacity_, other.capacity_);
    std::swap(head_, other.head_);
    std::swap(size_, other.size_);
    return *this;
  }

  bool empty() const noexcept {
    return size_ == 0;
  }

  size_t size() const noexcept {
    return size_;
  }

  /// Returns the number of elements that fit the block.
  size_t capacity() const noexcept {
    return capacity_;
  }

  /// Returns the element `index` places behind the oldest one.
  T& operator[](size_t index) noexcept {
    assert(index < size_);
    return items_[position(index)];
  }

  const T& operator[](size_t index) const noexcept {
    assert(index < size_);
    return items_[position(index)];
  }

  T& front() noexcept {
    return (*this)[0];
  }

  const T& front() const noexcept {
    return (*this)[0];
  }

  /// Adds an empty element and returns it, valid until the next change.
  T& emplace_back() {
    if (size_ == capacity_)
      grow();
    return items_[position(size_++)];
  }

  void push_back(T&& value) {
    emplace_back() = std::move(value);
  }

  void push_back(const T& value) {
    push_back(T{value});
  }

  void pop_front() {
    assert(size_ > 0);
    // Out of the queue first: destroying an element may call back here.
    [[maybe_unused]] T value = std::exchange(items_[head_], T{});
    advance();
  }

  /// Takes the oldest element out.
  T take_front() {
    assert(size_ > 0);
    T result = std::move(items_[head_]);
    advance();
    return result;
  }

  /// Takes out the element `index` places behind the oldest one; moves those before it.
  T extract(size_t index) {
    assert(index < size_);
    T result = std::move((*this)[index]);
    for (; index > 0; --index)
      (*this)[index] = std::move((*this)[index - 1]);
    advance();
    return result;
  }

  /// Drops all elements and the memory.
  void clear() {
    while (!empty())
      pop_front();
    release();
  }

private:
  static constexpr uint32_t first_capacity = 4;

  size_t position(size_t index) const noexcept {
    return (head_ + index) & (capacity_ - 1); // capacities are powers of two
  }

  /// Forgets the oldest element, which was moved from.
  void advance() noexcept {
    head_ = (head_ + 1) & (capacity_ - 1);
    if (--size_ > 0)
      return;
    // Starts again at the front, which is still in the cache.
    head_ = 0;
    if (capacity_ > kept_capacity)
      release();
  }

  void grow() {
    assert(capacity_ <= UINT32_MAX / 2);
    auto capacity = capacity_ == 0 ? first_capacity : capacity_ * 2;
    std::unique_ptr<T[]> items{new T[capacity]};
    for (size_t index = 0; index < size_; ++index)
      items[index] = std::move((*this)[index]);
    items_ = std::move(items);
    capacity_ = capacity;
    head_ = 0;
  }

  void release() noexcept {
    items_.reset();
    capacity_ = 0;
    head_ = 0;
  }

  std::unique_ptr<T[]> items_;
  uint32_t capacity_ = 0;
  uint32_t head_ = 0;
  uint32_t size_ = 0;
};

} // namespace pipeactor::detail
