#pragma once

#include "pipeactor/export.hpp"
#include "pipeactor/native_handle.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/peer_identity.hpp"

#include <caf/intrusive_ptr.hpp>
#include <caf/ref_counted.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace pipeactor::port {

/// The life of one end of one connection, as any thread may see it.
enum class pipe_state : uint8_t {
  opening,
  connected,
  /// The pipe dropped or was closed; operations may still be outstanding.
  closing,
  /// Every operation has returned and the handle is closed.
  closed,
};

/// The settings that a pipe is made with.
struct pipe_settings {
  pipe_mode mode = pipe_mode::message;
  /// Message mode: longest message that is received. Byte mode: longest piece.
  size_t receive_limit = defaults::message_buffer_size;
  /// Counts received bytes; may be nullptr. Outlives the record.
  detail::payload_account* account = nullptr;
};

/// The record of one end of one connection. Outstanding operations, the bridge and every handle
/// share it; none of them keeps the connection actor alive with it. Only ports change it
/// (completion_port.hpp).
class PIPEACTOR_EXPORT pipe_record : public caf::ref_counted {
public:
  static constexpr uint32_t no_slot = UINT32_MAX;

  pipe_record(uint64_t id, const pipe_settings& settings);
  ~pipe_record() override;

  // -- any thread -----------------------------------------------------------------------------

  /// A number that no other connection of this process has.
  uint64_t id() const noexcept {
    return id_;
  }

  pipe_state state() const noexcept {
    return state_.load(std::memory_order_acquire);
  }

  /// Returns the operating system's handle, or `invalid_native_handle` as soon as it is about to be
  /// closed. Only to look at, not to close.
  native_handle_type native_handle() const noexcept {
    return handle_.load(std::memory_order_acquire);
  }

  /// Returns whether the pipe is open at both ends.
  bool is_connected() const noexcept;

  const pipe_settings& settings() const noexcept {
    return settings_;
  }

  /// Valid once the state is `connected`.
  peer_identity peer() const {
    std::lock_guard guard{peer_mutex_};
    return peer_;
  }

  // -- ports: bridge thread only --------------------------------------------------------------

  /// The index of the port's slot for this pipe.
  uint32_t slot = no_slot;

private:
  friend class completion_port;

  void state(pipe_state value) noexcept {
    state_.store(value, std::memory_order_release);
  }

  void native_handle(native_handle_type value) noexcept {
    handle_.store(value, std::memory_order_release);
  }

  /// Must happen before the state becomes `connected`.
  void peer(peer_identity value) {
    std::lock_guard guard{peer_mutex_};
    peer_ = std::move(value);
  }

  uint64_t id_;
  pipe_settings settings_;
  std::atomic<pipe_state> state_{pipe_state::opening};
  std::atomic<native_handle_type> handle_{invalid_native_handle};
  // A connection that reconnects may meet another peer.
  mutable std::mutex peer_mutex_;
  peer_identity peer_;
};

using pipe_record_ptr = caf::intrusive_ptr<pipe_record>;

/// Returns whether the peer has left and the port cannot know that yet. Each platform implements
/// it. Any thread; `handle` may be closed already.
bool has_left_unseen(native_handle_type handle) noexcept;

} // namespace pipeactor::port
