#pragma once

// The port for Linux 6.1 and later: everything is submitted to one ring per bridge, with
// one system call a turn.

#include "base/ring_queue.hpp"
#include "port/completion_port.hpp"
#include "port/linux/io_uring_buffers.hpp"
#include "port/linux/io_uring_ring.hpp"
#include "port/linux/unique_fd.hpp"
#include "port/linux/unix_socket.hpp"

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace pipeactor::port {

class io_uring_port final : public completion_port {
public:
  /// @param spin how long turn() polls before it sleeps
  PIPEACTOR_EXPORT static caf::expected<std::unique_ptr<completion_port>>
  make(std::chrono::microseconds spin);

  ~io_uring_port() override;

  port_kind kind() const noexcept override;
  bool guards_access() const noexcept override {
    return false;
  }
  time_point now() const noexcept override;
  size_t max_message_size() const noexcept override;
  caf::error check_message_size(size_t size) const override;

  caf::expected<listener_id> listen(const listen_request& request) override;
  std::string address(listener_id listener) const override;
  void stop_listening(listener_id listener) override;

  pipe_finder finder() const override;

  caf::expected<raw_pipe_ptr> connect(const std::string& pipe_name, pipe_mode mode) override;
  void adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) override;
  void start_reading(pipe_record& pipe) override;
  void pause_reading(pipe_record& pipe) override;
  void read_one(pipe_record& pipe) override;
  void write(pipe_record& pipe, payload data) override;
  void close(pipe_record& pipe) override;

  caf::error turn(time_point deadline, completion_handler& handler) override;
  void wake() noexcept override;

private:
  /// What an operation is; stands in its user_data.
  enum class operation : uint8_t {
    ignored,
    wake,
    accept,
    receive,
    watch_end,
    send_batched,
    send_waiting
  };

  enum class receiving : uint8_t { nothing, continuously, once };

  /// What belongs to one pipe. A slot is free again when no operation of it is
  /// outstanding.
  struct slot {
    pipe_record_ptr pipe;
    io_uring_buffers* buffers = nullptr;
    detail::ring_queue<payload> writes;
    /// How much of the oldest write has left already (byte mode).
    size_t front_offset = 0;
    int fd = -1;
    uint16_t generation = 0;
    /// Writes at the front of the queue that are in the ring as batched sends.
    uint16_t batched = 0;
    /// Messages to read while paused.
    uint32_t single_reads = 0;
    /// SO_SNDBUF, and what is left of it by our own count (the credit rule).
    int64_t send_buffer = 0;
    int64_t credit = 0;
    /// It has been full, and was given `defaults::busy_send_buffer`.
    bool enlarged = false;
    receiving armed = receiving::nothing;
    bool send_waiting = false;
    /// While nobody reads, a poll tells of the end; it stays for good once armed.
    bool watching_end = false;
    bool end_seen = false;
    bool continuous = false;
    bool read_ended = false;
    /// The peer has stopped writing, and all that it wrote was read.
    bool input_ended = false;
    bool reset = false;
    /// The receive, or everything of this pipe, is being cancelled.
    bool cancelling_receive = false;
    bool cancelling_all = false;
    bool closing = false;
    bool dirty = false;
  };

  /// A batched send that failed; successes post no completion.
  struct failed_send {
    uint32_t slot;
    uint16_t position;
    int error_number;
  };

  struct listener {
    unix_listener socket;
    bool armed = false;
    bool closing = false;
    bool cancelling = false;
    bool resting = false;
    bool warned = false;
    time_point rest_until;
  };

  // user_data: operation (8 bits), position in a batch (16), generation (16), slot or
  // listener (24).
  static constexpr unsigned tag_operation_shift = 56;
  static constexpr unsigned tag_position_shift = 40;
  static constexpr unsigned tag_generation_shift = 24;
  static constexpr uint32_t tag_index_mask = 0xFF'FFFF;

  static operation operation_of(const io_uring_cqe& completion) noexcept {
    return static_cast<operation>(completion.user_data >> tag_operation_shift);
  }

  static uint32_t index_of(const io_uring_cqe& completion) noexcept {
    return static_cast<uint32_t>(completion.user_data & tag_index_mask);
  }

  explicit io_uring_port(std::chrono::microseconds spin);
  caf::error open();

  // -- slots ----------------------------------------------------------------------------------

  slot* slot_of(const pipe_record& pipe) noexcept;
  uint32_t index_of(const slot& x) const noexcept;
  void mark_dirty(slot& x);
  uint64_t tag(operation what, const slot& x, uint16_t position = 0) const noexcept;
  caf::expected<io_uring_buffers*> buffers_for(size_t receive_limit);
  void finish_close(slot& x);

  // -- a turn ---------------------------------------------------------------------------------

  void prepare();
  void prepare_listeners();
  void prepare_cancel(uint64_t user_data);
  void prepare_slot(slot& x);
  void prepare_receive(slot& x);
  void prepare_watch(slot& x);
  void prepare_sends(slot& x);
  void prepare_waiting_send(slot& x);
  void wait(time_point deadline);
  bool spin_until_work() noexcept;
  void complete(const io_uring_cqe& completion);
  void note_failed_send(const io_uring_cqe& completion);
  void report_batches();
  void report_batch(slot& x);

  // -- completions ----------------------------------------------------------------------------

  void on_accept(listener_id id, const io_uring_cqe& completion);
  void on_receive(slot& x, const io_uring_cqe& completion);
  void on_receive_failed(slot& x, int error_number);
  void on_waiting_send(slot& x, int result);
  void end_if_nothing_is_left(slot& x);
  /// Tells a message of no bytes from the end of the input: both are received as nothing.
  bool is_end_of_input(slot& x);
  void end_of_input(slot& x);
  void end_reading(slot& x, const caf::error& reason);
  void report_sent(slot& x, size_t count);
  void send_failed(slot& x, int error_number);
  void report_failed(slot& x, size_t count, const caf::error& reason);

  std::chrono::microseconds spin_;
  size_t max_message_size_;
  int64_t default_send_buffer_;
  completion_handler* handler_ = nullptr;
  /// Nobody may sleep: something is waiting to be reported.
  bool pending_ = false;

  unique_fd event_;
  uint64_t event_count_ = 0;
  bool event_armed_ = false;
  std::atomic<bool> wake_requested_{false};
  std::atomic<bool> asleep_{false};

  io_uring_ring ring_;
  std::map<size_t, std::unique_ptr<io_uring_buffers>> buffers_;
  // A deque: slots stay where they are while a callback adopts another pipe.
  std::deque<slot> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<uint32_t> dirty_;
  std::vector<uint32_t> preparing_;
  std::vector<uint32_t> batches_;
  std::vector<failed_send> failed_sends_;
  std::vector<uint32_t> closable_;
  std::map<listener_id, listener> listeners_;
  listener_id last_listener_ = 0;
};

} // namespace pipeactor::port
