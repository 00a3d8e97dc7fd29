#pragma once

// The port for Windows: named pipes with overlapped reads and writes on an I/O completion port.

#include "base/ring_queue.hpp"
#include "port/completion_port.hpp"
#include "port/windows/iocp_queue.hpp"
#include "port/windows/listening_instance.hpp"
#include "port/windows/windows_pipe.hpp"

#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace pipeactor::port {

class iocp_port final : public completion_port {
public:
  /// @param spin how long turn() polls before it sleeps
  PIPEACTOR_EXPORT static caf::expected<std::unique_ptr<completion_port>>
  make(std::chrono::microseconds spin);

  ~iocp_port() override;

  port_kind kind() const noexcept override;
  bool guards_access() const noexcept override {
    return true;
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
  /// What a packet is about: its completion key.
  enum packet_key : ULONG_PTR { woken = 1, client_came, operation_done };

  struct slot;

  /// One ReadFile or WriteFile: it *is* the OVERLAPPED that the system is given, and comes back in
  /// the packet. Its slot stays where it is until that has happened.
  struct operation {
    OVERLAPPED overlapped = {};
    slot* owner = nullptr;
    bool outstanding = false;
    bool is_write = false;
    /// A write's last piece.
    bool ends_payload = false;
  };

  static_assert(offsetof(operation, overlapped) == 0, "packets are cast back to operations");

  static constexpr size_t writes_in_flight = 16;

  /// What belongs to one pipe. Freed at the begin of a turn only, and when no operation is
  /// outstanding, so that references to it hold over every callback of a turn.
  struct slot {
    pipe_record_ptr pipe;
    unique_handle handle;
    /// The handle belongs to the completion port.
    bool bound = false;

    // -- reading: one message ahead, also while paused, for that is how the end is heard of ------

    operation read;
    std::unique_ptr<std::byte[]> buffer;
    size_t buffer_size = 0;
    /// The bytes in `buffer` that wait to be delivered, where `holding`.
    size_t held = 0;
    /// A long message, whose rest is being read behind what was in `buffer`.
    detail::payload_block* joining = nullptr;
    /// Messages to read while paused.
    uint32_t single_reads = 0;
    bool continuous = false;
    /// A message, or the beginning of a long one, lies in `buffer`.
    bool holding = false;
    bool has_more = false;
    bool read_ended = false;

    // -- writing ---------------------------------------------------------------------------------

    /// All that were not reported, oldest first.
    detail::ring_queue<payload> writes;
    /// The first payload that is not all handed to the system, and how much of it is.
    size_t next_write = 0;
    size_t next_offset = 0;
    /// A ring of `writes_in_flight`.
    std::unique_ptr<operation[]> write_operations;
    size_t first_in_flight = 0;
    size_t num_in_flight = 0;
    /// Not 0: writing is over, with this GetLastError().
    DWORD write_error = 0;
    /// The youngest write in flight waits for room.
    bool write_waiting = false;
    /// A write had to wait for room, and there have been more behind it ever since.
    bool crowded = false;

    /// The peer left while writes waited for room: it did not read all that we sent.
    bool reset = false;
    bool closing = false;
    bool cancelled = false;
    bool dirty = false;
  };

  struct listener {
    instance_settings settings;
    size_t backlog = 0;
    size_t listening = 0;
    bool closing = false;
    bool warned = false;
    time_point rest_until = time_point::min();
  };

  struct numbered_instance {
    listener_id owner = 0;
    std::unique_ptr<listening_instance> instance;
  };

  enum class wake_state : uint8_t { awake, asleep, waking };

  iocp_port(iocp_queue queue, std::chrono::microseconds spin);

  // -- slots ----------------------------------------------------------------------------------

  slot* slot_of(const pipe_record& pipe) noexcept;
  void mark_dirty(slot& x);
  void serve(slot& x);
  void finish_close(slot& x);

  // -- a turn ---------------------------------------------------------------------------------

  void serve_listeners();
  void serve_requests();
  size_t wait(time_point deadline);
  size_t poll(DWORD milliseconds);
  size_t sleep(time_point deadline);
  void dispatch(const OVERLAPPED_ENTRY& packet);

  // -- accepting ------------------------------------------------------------------------------

  caf::error add_instance(listener_id id, listener& x, bool is_first);
  void refill(listener_id id, listener& x);
  void accept(ULONG_PTR number);

  // -- reading --------------------------------------------------------------------------------

  static bool wants_read(const slot& x) noexcept;
  void serve_reading(slot& x);
  void begin_read(slot& x);
  void begin_join(slot& x);
  void submit_read(slot& x, std::byte* bytes, size_t size);
  void on_read(slot& x, DWORD size);
  void on_joined(slot& x, DWORD size, bool whole);
  void deliver(slot& x, payload data);
  void read_failed(slot& x, DWORD code);
  void end_reading(slot& x, const caf::error& reason);

  // -- writing --------------------------------------------------------------------------------

  void flush(slot& x);
  bool submit_write(slot& x);
  void on_written(slot& x, const operation& done);
  void fail_writes(slot& x, const caf::error& reason);

  iocp_queue queue_;
  std::chrono::microseconds spin_;
  completion_handler* handler_ = nullptr;
  bool reported_ = false;
  std::atomic<wake_state> wake_state_{wake_state::awake};

  // A deque: slots stay where they are while a callback adopts another pipe.
  std::deque<slot> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<uint32_t> dirty_;
  std::vector<uint32_t> serving_;
  std::map<listener_id, listener> listeners_;
  listener_id last_listener_ = 0;
  // Named by number in packets: one that is gone is not found any more.
  std::map<ULONG_PTR, numbered_instance> instances_;
  ULONG_PTR last_instance_ = 0;
};

} // namespace pipeactor::port
