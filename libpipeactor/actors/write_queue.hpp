#pragma once

#include "pipeactor/cookie.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/payload.hpp"
#include "actors/answer_promise.hpp"
#include "actors/broadcast.hpp"
#include "actors/memory_account.hpp"
#include "base/marks.hpp"
#include "base/ring_queue.hpp"

#include <algorithm>
#include <memory>

namespace pipeactor::detail {

/// A write that was not reported yet.
struct pending_write {
  /// Empty once the port has it.
  payload data;
  size_t size = 0;
  pipeactor::cookie cookie;
  answer_promise promise;
  broadcast_tracker_ptr tracker;
};

/// The writes of one connection that were not reported yet, oldest first: those that the port has,
/// then those that wait here. They wait while the pipe is opening, and if the oldest may have to be
/// dropped (`write_queue_policy::drop_oldest`): what the port has been given cannot be taken back.
/// Bridge thread.
class write_queue {
public:
  write_queue(const connection_options& options, memory_account_ptr memory)
      : byte_limit_(options.write_queue_bytes), message_limit_(options.write_queue_messages),
        policy_(options.write_queue_policy), memory_(std::move(memory)) {}

  ~write_queue() {
    memory_->moved(bytes_, 0);
  }

  write_queue(const write_queue&) = delete;
  write_queue& operator=(const write_queue&) = delete;

  write_queue_policy policy() const noexcept {
    return policy_;
  }

  bool empty() const noexcept {
    return writes_.empty();
  }

  size_t size() const noexcept {
    return writes_.size();
  }

  size_t bytes() const noexcept {
    return bytes_;
  }

  /// Returns whether one of `size` bytes more is too much for this queue. A single message may
  /// exceed its limits, or it could never be sent.
  bool is_full(size_t size) const noexcept {
    return !writes_.empty() && (bytes_ + size > byte_limit_ || writes_.size() >= message_limit_);
  }

  /// Adds a write of `size` bytes, to be filled in, whether is_full() or not.
  /// @returns the write, or nullptr if the context's memory would be exceeded. So that nobody
  ///   starves, a queue that is empty takes one of `defaults::always_admitted_bytes`.
  pending_write* add(size_t size) {
    if (!memory_->grow(bytes_, bytes_ + size)) {
      if (!writes_.empty() || size > defaults::always_admitted_bytes) {
        pass(mark::memory_refused_write);
        return nullptr;
      }
      pass(mark::write_admitted_over_limit);
      memory_->moved(bytes_, bytes_ + size);
    }
    bytes_ += size;
    auto& result = writes_.emplace_back();
    result.size = size;
    return &result;
  }

  /// Takes the oldest one out, whether the port has it or not.
  pending_write pop() {
    auto result = writes_.take_front();
    taken_out(0, result.size);
    return result;
  }

  // -- those that wait here -------------------------------------------------------------------

  bool has_waiting() const noexcept {
    return writes_.size() > in_port_;
  }

  /// Returns whether the port should have the next one.
  bool port_has_room() const noexcept {
    return policy_ != write_queue_policy::drop_oldest || in_port_ == 0
           || (in_port_ < std::min(defaults::undroppable_messages, message_limit_ / 2)
               && port_bytes_ < std::min(defaults::undroppable_bytes, byte_limit_ / 2));
  }

  /// Returns the bytes of the oldest write that waits. The port has it from now on.
  payload hand_over() {
    auto& write = writes_[in_port_];
    ++in_port_;
    port_bytes_ += write.size;
    return std::move(write.data);
  }

  pending_write pop_waiting() {
    auto result = writes_.extract(in_port_);
    taken_out(in_port_, result.size);
    return result;
  }

private:
  void taken_out(size_t index, size_t size) noexcept {
    if (index < in_port_) {
      --in_port_;
      port_bytes_ -= size;
    }
    memory_->moved(bytes_, bytes_ - size);
    bytes_ -= size;
  }

  ring_queue<pending_write> writes_;
  size_t in_port_ = 0;
  size_t port_bytes_ = 0;
  size_t bytes_ = 0;
  size_t byte_limit_;
  size_t message_limit_;
  write_queue_policy policy_;
  memory_account_ptr memory_;
};

} // namespace pipeactor::detail
