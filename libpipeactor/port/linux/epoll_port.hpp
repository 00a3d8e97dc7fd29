#pragma once

// The port for every Linux: readiness by epoll(7), batches by recvmmsg and sendmmsg. Used
// where io_uring is refused.

#include "base/ring_queue.hpp"
#include "port/completion_port.hpp"
#include "port/linux/socket_batch.hpp"
#include "port/linux/unique_fd.hpp"
#include "port/linux/unix_socket.hpp"

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace pipeactor::port {

class epoll_port final : public completion_port {
public:
  /// @param spin how long turn() polls before it sleeps
  PIPEACTOR_EXPORT static caf::expected<std::unique_ptr<completion_port>>
  make(std::chrono::microseconds spin);

  ~epoll_port() override;

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
  /// What belongs to one pipe. Freed at the begin of a turn only, so that references to it
  /// hold over every callback of a turn.
  struct slot {
    pipe_record_ptr pipe;
    /// Where its messages are read into; shared with all pipes of its receive limit.
    receive_batch* batch = nullptr;
    detail::ring_queue<payload> writes;
    /// Byte mode: how much of the oldest write has left already.
    size_t front_offset = 0;
    int fd = -1;
    /// Turns away events of an earlier user of this slot.
    uint32_t generation = 0;
    /// What epoll watches for; 0: the descriptor is not in the set.
    uint32_t armed = 0;
    /// Messages to read while paused.
    uint32_t single_reads = 0;
    /// Not 0: writing is over, with this `errno`.
    int write_error = 0;
    bool continuous = false;
    bool read_ended = false;
    /// The peer has stopped writing, and all that it wrote was read.
    bool input_ended = false;
    /// The peer left without reading what we sent: the reason, once its last words are read.
    bool reset = false;
    /// The send buffer is full.
    bool write_blocked = false;
    /// It has been full, and was given `defaults::busy_send_buffer`.
    bool enlarged = false;
    /// Paused, and the peer has stopped writing but left us something to read.
    bool hangup_seen = false;
    /// There was no receive buffer.
    bool starved = false;
    bool closing = false;
    bool dirty = false;
  };

  struct listener {
    unix_listener socket;
    bool closing = false;
    bool resting = false;
    bool warned = false;
    time_point rest_until;
  };

  enum class wake_state : uint8_t { awake, asleep, woken };

  epoll_port(unique_fd epoll, unique_fd event, std::chrono::microseconds spin);

  // -- slots ----------------------------------------------------------------------------------

  slot* slot_of(const pipe_record& pipe) noexcept;
  receive_batch* batch_for(size_t limit);
  void mark_dirty(slot& x);
  void finish_close(slot& x);

  // -- a turn ---------------------------------------------------------------------------------

  void serve_listeners();
  void serve_requests();
  size_t wait(time_point deadline);
  size_t poll() noexcept;
  size_t sleep(time_point deadline) noexcept;
  void dispatch(const epoll_event& event);
  void on_ready(slot& x, uint32_t events);

  // -- what epoll watches for -----------------------------------------------------------------

  static bool wants_read(const slot& x) noexcept;
  static uint32_t interest_of(const slot& x) noexcept;
  void update_interest(slot& x, bool drop_reading);

  // -- accepting ------------------------------------------------------------------------------

  void accept(listener_id id, listener& x);
  void rest(listener_id id, listener& x, int error_number);

  // -- reading --------------------------------------------------------------------------------

  bool prepare_batch(slot& x);
  void read_messages(slot& x);
  void read_bytes(slot& x);
  void deliver(slot& x, size_t count);
  bool read_again(slot& x, int error_number);
  void end_of_file(slot& x);
  void end_reading(slot& x, const caf::error& reason);
  void look_behind_hangup(slot& x, uint32_t events);
  void starve(slot& x);

  // -- writing --------------------------------------------------------------------------------

  void flush(slot& x);
  size_t take_sent_bytes(slot& x, size_t bytes);
  bool write_again(slot& x, int error_number, bool& raised);
  bool make_room(slot& x);
  void report_sent(slot& x, size_t count);
  void fail_writes(slot& x, size_t count, const caf::error& reason);

  unique_fd epoll_;
  unique_fd event_;
  std::chrono::microseconds spin_;
  size_t max_message_size_;
  completion_handler* handler_ = nullptr;
  bool reported_ = false;
  bool has_pwait2_ = true;
  std::atomic<wake_state> wake_state_{wake_state::awake};

  // A deque: slots stay where they are while a callback adopts another pipe.
  std::deque<slot> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<uint32_t> dirty_;
  std::vector<uint32_t> serving_;
  std::vector<uint32_t> starved_;
  std::map<listener_id, listener> listeners_;
  listener_id last_listener_ = 0;
  std::map<size_t, std::unique_ptr<receive_batch>> batches_;
  send_batch sends_;
  std::array<epoll_event, defaults::completions_per_turn / defaults::reads_per_turn> events_;
};

} // namespace pipeactor::port
