#pragma once

// The port for Linux 6.1 and later: everything is submitted to one ring per bridge, with one
// system call a turn.

#include "port/linux/io_uring_buffers.hpp"
#include "port/linux/io_uring_ring.hpp"
#include "port/linux/unix_port.hpp"

#include <sys/socket.h>

#include <map>
#include <memory>
#include <vector>

namespace pipeactor::port {

/// A slot is free again when no operation of it is outstanding.
struct io_uring_slot : unix_slot {
  enum class read_state : uint8_t {
    /// No receive is in the ring.
    idle,
    /// One that ends with its first message.
    once,
    /// One that goes on.
    continuous,
    /// One that is being cancelled.
    cancelling,
  };

  enum class write_state : uint8_t {
    /// Message mode: the send buffer has room, as far as the credit says.
    flowing,
    /// One send in the ring waits for room, alone.
    waiting,
  };

  /// Several payloads as one send of a stream.
  struct send_vector {
    static constexpr size_t capacity = 32;

    msghdr header;
    iovec pieces[capacity];
  };

  io_uring_buffers* buffers = nullptr;
  std::unique_ptr<send_vector> vector;
  /// Bytes that the send in the ring was given.
  size_t asked = 0;
  /// SO_SNDBUF, and what is left of it by our own count (the credit rule), in bytes.
  int64_t send_buffer = 0;
  int64_t credit = 0;
  /// Writes at the front of the queue that are in the ring as batched sends. They may come before
  /// one that waits.
  uint16_t batched = 0;
  read_state reading = read_state::idle;
  write_state writing = write_state::flowing;
  /// The credit was wrong: the next send waits for its own completion.
  bool distrusted = false;
  /// A poll reports when the peer leaves, beside a receive or alone. Begun with the first pause.
  bool watching_end = false;
};

class io_uring_port final : public unix_port<io_uring_slot, unix_port_listener> {
public:
  /// @param spin how long a turn polls before it sleeps
  PIPEACTOR_EXPORT static caf::expected<std::unique_ptr<completion_port>>
  make(std::chrono::microseconds spin);

  port_kind kind() const noexcept override;

private:
  using slot = io_uring_slot;
  using listener = unix_port_listener;

  /// The kind of an operation; part of its user_data.
  enum class operation : uint8_t {
    ignored,
    wake,
    watch_names,
    watch_listener,
    receive,
    watch_end,
    send_batched,
    send_waiting
  };

  /// A batched send that failed; successes post no completion.
  struct failed_send {
    uint32_t slot;
    uint16_t position;
    int error_number;
  };

  // user_data: operation (8 bits), position in a batch (16), generation (16), slot or
  // listener (24).
  static constexpr unsigned tag_operation_shift = 56;
  static constexpr unsigned tag_position_shift = 40;
  static constexpr unsigned tag_generation_shift = 24;
  static constexpr uint32_t tag_index_mask = 0xFF'FFFF;

  static uint64_t tag_of(operation what, const listener& l) noexcept;
  static uint64_t tag_of(operation what, const slot& s, uint16_t position = 0) noexcept;

  static operation operation_of(const io_uring_cqe& completion) noexcept {
    return static_cast<operation>(completion.user_data >> tag_operation_shift);
  }

  static uint32_t index_of(const io_uring_cqe& completion) noexcept {
    return static_cast<uint32_t>(completion.user_data & tag_index_mask);
  }

  io_uring_port(unique_fd event, std::chrono::microseconds spin);
  caf::error open();
  caf::expected<io_uring_buffers*> buffers_for(size_t receive_limit);

  // -- listening ------------------------------------------------------------------------------

  void begin_accepting(listener& l) override;
  bool end_accepting(listener& l) override;
  void on_clients(listener& l, int result);

  // -- a turn ---------------------------------------------------------------------------------

  void begin_turn() override;
  void watch_names();
  void serve_slot(slot& s) override;
  io_uring_sqe* next_entry() noexcept;
  bool cancel(uint64_t user_data) noexcept;
  bool cancel_all(int fd) noexcept;
  bool poll() override;
  void sleep(time_point deadline) override;
  bool check_ring();
  void dispatch() override;
  void dispatch(const io_uring_cqe& completion);
  void dispatch_to_slot(const io_uring_cqe& completion);
  void on_woken(int result);

  // -- receiving ------------------------------------------------------------------------------

  caf::error prepare_reading(slot& s) override;
  void begin_reading(slot& s);
  void begin_watch(slot& s);
  void on_received(slot& s, const io_uring_cqe& completion);
  void on_nothing_received(slot& s, int error_number);
  void on_watch_ended(slot& s, int result);
  bool is_end_of_input(slot& s);
  void end_if_nothing_is_left(slot& s);

  // -- sending --------------------------------------------------------------------------------

  void begin_writing(slot& s);
  void prepare_batched_send(slot& s, io_uring_sqe& entry);
  void prepare_waiting_send(slot& s, io_uring_sqe& entry);
  void prepare_stream_send(slot& s, io_uring_sqe& entry);
  void note_failed_send(const io_uring_cqe& completion);
  void report_batches();
  void report_batch(slot& s);
  void batch_broke(slot& s, uint16_t position, uint16_t count, int error_number);
  void on_waiting_sent(slot& s, int result);
  void send_failed(slot& s, int error_number);

  // -- closing --------------------------------------------------------------------------------

  void serve_closing(slot& s);

  uint64_t event_count_ = 0;
  /// A read of the eventfd is in the ring.
  bool event_armed_ = false;
  /// Why the eventfd cannot be read.
  int event_failure_ = 0;
  io_uring_ring ring_;
  std::map<size_t, std::unique_ptr<io_uring_buffers>> buffers_;
  /// Slots with batched sends that were not reported.
  std::vector<uint32_t> batches_;
  std::vector<failed_send> failed_sends_;
};

} // namespace pipeactor::port
