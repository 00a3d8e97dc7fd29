#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/payload.hpp"
#include "actors/memory_account.hpp"
#include "base/local_message_types.hpp"

#include <atomic>
#include <cstdint>

namespace pipeactor::detail {

/// Handlers hold less than half of the limit now. From a read_account to its connection.
struct resume_reading {};

/// Counts the payloads that a connection has received and its handlers have not released yet.
/// Payloads are charged when they are made. They are released on any thread, and the one that
/// brings a paused connection below half of its limit wakes it. If the context's memory is
/// exhausted, a connection pauses with the first message that it has handed out, until that is
/// released or there is memory again, whoever released it.
class read_account final : public payload_account, public memory_waiter {
public:
  read_account(size_t byte_limit, size_t message_limit, memory_account_ptr memory)
      : byte_limit_(byte_limit), message_limit_(message_limit), memory_(std::move(memory)) {}

  /// The actor that is sent `resume_reading`. Set before the first charge.
  void owner(caf::weak_actor_ptr value) {
    owner_ = std::move(value);
  }

  /// Returns whether reading has to pause; from then on falling below half sends
  /// `resume_reading`. Bridge thread.
  bool must_pause() noexcept {
    auto level = level_.load(std::memory_order_relaxed);
    return (above(level, 1) || (level != 0 && memory_->exhausted())) && pause();
  }

  /// Returns whether there is room for `messages` that were asked for and did not come yet. Unlike
  /// must_pause(), promises nothing.
  bool has_room_for(size_t messages) const noexcept {
    return !above(level_.load(std::memory_order_relaxed) + messages * one_message, 1)
           && !memory_->exhausted();
  }

  size_t bytes() const noexcept {
    return bytes_of(level_.load(std::memory_order_relaxed));
  }

  size_t messages() const noexcept {
    return messages_of(level_.load(std::memory_order_relaxed));
  }

  // -- overrides ------------------------------------------------------------------------------

  void payload_received(size_t size) noexcept override {
    ref();
    auto before = bytes_of(level_.fetch_add(entry(size), std::memory_order_relaxed));
    memory_->moved(before, before + size);
  }

  void payload_released(size_t size) noexcept override;
  void memory_released() noexcept override;

private:
  bool pause() noexcept;
  /// Returns whether reading has to stay paused. Who must wake it is settled then.
  bool stays_paused() noexcept;
  /// Returns false if memory is free.
  bool wait_for_memory() noexcept;
  void resume() noexcept;

  // Bytes and messages share one word, so that a message costs one atomic operation each way.
  static constexpr uint64_t one_message = uint64_t{1} << 44;

  static uint64_t entry(size_t size) noexcept {
    return one_message + size;
  }

  static size_t bytes_of(uint64_t level) noexcept {
    return level & (one_message - 1);
  }

  static size_t messages_of(uint64_t level) noexcept {
    return level / one_message;
  }

  /// Returns whether `level` is above the limits, or the `divisor`th part of them.
  bool above(uint64_t level, size_t divisor) const noexcept {
    return bytes_of(level) > byte_limit_ / divisor || messages_of(level) > message_limit_ / divisor;
  }

  size_t byte_limit_;
  size_t message_limit_;
  memory_account_ptr memory_;
  std::atomic<uint64_t> level_{0};
  std::atomic<bool> paused_{false};
  /// memory_released() is to be called.
  std::atomic<bool> waits_{false};
  caf::weak_actor_ptr owner_;
};

} // namespace pipeactor::detail
