#pragma once

// Many messages of one socket with one system call, for the epoll port.

#include "pipeactor/defaults.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/payload.hpp"
#include "base/ring_queue.hpp"
#include "port/linux/buffer_pool.hpp"

#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace pipeactor::port {

/// Reads into the buffers of a pool, and keeps the buffers that a call left unused for
/// the next one: all sockets with one receive limit share a batch, one at a time.
class receive_batch {
public:
  /// A turn's share, so that one system call finds out that there was no more.
  static constexpr size_t capacity = defaults::reads_per_turn;

  /// @param limit the longest message, or piece of a stream
  explicit receive_batch(size_t limit);
  ~receive_batch();

  receive_batch(const receive_batch&) = delete;
  receive_batch& operator=(const receive_batch&) = delete;

  /// Returns the longest message that fits.
  size_t limit() const noexcept {
    return pool_.buffer_size();
  }

  /// Makes up to `count` buffers ready.
  /// @returns how many, 0 while handlers keep them all
  size_t prepare(size_t count) noexcept;

  /// Reads up to `count` messages into buffers made ready, without waiting.
  /// @returns the number read, of which each after the end of file counts as one, or -1 and `errno`
  int receive_messages(int fd, size_t count) noexcept;

  /// Reads bytes of a stream into the first buffer.
  /// @returns like recv(2)
  ssize_t receive_bytes(int fd) noexcept;

  /// Returns whether the result at `index` is no message but the end of file: an empty
  /// message carries the time (`stamp_messages`), for which there is no room (MSG_CTRUNC,
  /// recv(2)), the end of file does not.
  bool is_end(size_t index) const noexcept {
    return headers_[index].msg_len == 0 && (headers_[index].msg_hdr.msg_flags & MSG_CTRUNC) == 0;
  }

  /// Returns the true length of the message at `index`, even if it was cut.
  size_t length(size_t index) const noexcept {
    return headers_[index].msg_len;
  }

  /// Makes a payload of the first `size` bytes of the buffer at `index`.
  payload take(size_t index, size_t size, detail::payload_account* account);

private:
  buffer_pool pool_;
  std::array<uint32_t, capacity> buffers_;
  std::array<iovec, capacity> pieces_{};
  // Without room for control data: descriptors that a peer passes along are closed by the kernel.
  std::array<mmsghdr, capacity> headers_{};
};

/// Writes from the front of a queue. Takes nothing off it.
class send_batch {
public:
  static constexpr size_t capacity = 64;

  send_batch() noexcept;

  /// Sends the oldest messages, up to `capacity`, without waiting.
  /// @returns the number sent, or -1 and `errno`
  int send_messages(int fd, const detail::ring_queue<payload>& queue) noexcept;

  /// Sends bytes of the oldest payloads, without waiting, from `offset` in the first one.
  /// @returns the number of bytes sent, or -1 and `errno`
  ssize_t send_bytes(int fd, const detail::ring_queue<payload>& queue, size_t offset) noexcept;

private:
  std::array<iovec, capacity> pieces_{};
  std::array<mmsghdr, capacity> headers_{};
};

} // namespace pipeactor::port
