#pragma once

// A connection in memory. Nothing here locks: all of it belongs to a network
// (simulated_state.hpp), whose mutex guards it.

#include "pipeactor/options.hpp"
#include "pipeactor/peer_identity.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

namespace pipeactor::port {

/// One direction of a connection: the bytes that were written at one end and not yet read at the
/// other.
class simulated_channel {
public:
  /// How far the writer has got.
  enum class writer_state : uint8_t {
    writing,
    /// It ended writing, or closed.
    ended,
    /// It closed without reading everything that was sent to it.
    reset,
  };

  bool empty() const noexcept {
    return pieces_.empty();
  }

  /// Returns how many bytes wait to be read.
  size_t bytes() const noexcept {
    return bytes_;
  }

  /// Returns how many messages wait to be read.
  size_t messages() const noexcept {
    return pieces_.size();
  }

  /// Returns the size of the next message, in byte mode of everything. Precondition: not empty.
  size_t front_size() const noexcept {
    return pieces_.front().size();
  }

  bool writer_ended() const noexcept {
    return writer_ != writer_state::writing;
  }

  bool was_reset() const noexcept {
    return writer_ == writer_state::reset;
  }

  bool reader_gone() const noexcept {
    return reader_gone_;
  }

  /// Writes a message, or in byte mode bytes.
  void push(pipe_mode mode, std::string_view data);

  /// Reads a message, in byte mode at most `limit` bytes. Precondition: not empty.
  std::string pop(pipe_mode mode, size_t limit);

  void end_writing() noexcept;

  /// The writer closes.
  /// @param reset whether the reader learns that some of what it had sent was not read
  void close_writing(bool reset) noexcept;

  /// The reader closes: discards unread messages.
  void close_reading() noexcept;

  /// The connection breaks. What is unread can still be read.
  void cut() noexcept;

private:
  /// Messages; in byte mode one string of all bytes.
  std::deque<std::string> pieces_;
  size_t bytes_ = 0;
  writer_state writer_ = writer_state::writing;
  bool reader_gone_ = false;
};

/// Both directions of a connection, and both ends. End 0 connected, end 1 was accepted.
struct simulated_link {
  pipe_mode mode = pipe_mode::message;
  /// Indexed by the end that reads it.
  std::array<simulated_channel, 2> towards;
  std::array<peer_identity, 2> who;
};

/// One end of a connection: of a test client, of a pipe of a port, or not adopted yet.
struct simulated_end {
  simulated_channel& in() const noexcept {
    return link->towards[side];
  }

  simulated_channel& out() const noexcept {
    return link->towards[1 - side];
  }

  const peer_identity& peer() const noexcept {
    return link->who[1 - side];
  }

  /// Closes this end, and discards unread input. Idempotent.
  /// @param reset whether the peer learns that something was not read
  void close(bool reset) const noexcept;

  /// Breaks the connection: both ends see a reset.
  void cut() const noexcept;

  std::shared_ptr<simulated_link> link;
  size_t side = 0;
};

} // namespace pipeactor::port
