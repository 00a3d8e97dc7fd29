#pragma once

// The system's I/O completion port as the iocp port uses it: a queue of packets that any thread
// fills and one thread empties. Knows nothing of pipes.

#include "pipeactor/caf.hpp"
#include "port/windows/unique_handle.hpp"

#include <array>

namespace pipeactor::port {

/// Owns an I/O completion port.
class iocp_queue {
public:
  /// Holds no completion port yet: every call fails.
  iocp_queue() noexcept = default;

  static caf::expected<iocp_queue> make();

  /// Lets every operation of `handle` that ends post a packet with `key`, for as long as the
  /// handle is open. A handle can be bound once.
  caf::error bind(HANDLE handle, ULONG_PTR key);

  /// Adds a packet with `value` as the pointer to its OVERLAPPED. Waits while the system has no
  /// memory for it, and ends the program if it fails otherwise: without its packet a client would
  /// never be accepted, or a bridge never wake. Any thread.
  void post(ULONG_PTR key, ULONG_PTR value) const noexcept;

  /// Waits until packets are there, `milliseconds` at most, and takes them out. The owner's thread.
  /// @returns how many packet() has, 0 if none came in time
  caf::expected<size_t> take(DWORD milliseconds);

  /// Returns one of those that take() took out last.
  const OVERLAPPED_ENTRY& packet(size_t index) const noexcept {
    return packets_[index];
  }

  HANDLE native() const noexcept {
    return handle_.get();
  }

private:
  static constexpr size_t packets_at_once = 256;

  unique_handle handle_;
  std::array<OVERLAPPED_ENTRY, packets_at_once> packets_ = {};
};

} // namespace pipeactor::port
