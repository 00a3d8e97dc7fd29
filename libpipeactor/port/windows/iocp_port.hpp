#pragma once

// The port for Windows: named pipes with overlapped reads and writes on an I/O completion port.

#include "port/system_port.hpp"
#include "port/windows/iocp_queue.hpp"
#include "port/windows/listening_instance.hpp"
#include "port/windows/windows_pipe.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <memory>

namespace pipeactor::port {

// -- what it keeps about a pipe ---------------------------------------------------------------

struct iocp_slot;

/// One ReadFile or WriteFile: it *is* the OVERLAPPED that the system is given, and comes back in
/// the packet. Its slot stays where it is until that has happened.
struct iocp_operation {
  enum class type : uint8_t {
    read,
    /// A piece of a payload that others follow (byte mode).
    write_piece,
    /// A payload, or its last piece.
    write_end,
  };

  OVERLAPPED overlapped = {};
  iocp_slot* owner = nullptr;
  type what = type::read;
};

static_assert(offsetof(iocp_operation, overlapped) == 0, "packets are cast back to operations");

struct iocp_slot : pipe_slot {
  static constexpr size_t writes_in_flight = 16;

  /// One message is read ahead, even while reading is paused: a read reports the end.
  enum class read_state : uint8_t {
    /// No read is under way, and nothing was read ahead.
    idle,
    /// ReadFile fills `buffer`.
    reading,
    /// `buffer` has a message, or in byte mode some bytes, that wait until they are wanted.
    holding,
    /// `buffer` has the beginning of a long message; the rest is read when it is wanted.
    holding_beginning,
    /// ReadFile fills `joined` behind the beginning of a long message.
    joining,
  };

  enum class write_state : uint8_t {
    /// The system takes every write at once.
    flowing,
    /// The youngest write in flight waits for room. Others wait for it: none overtakes another.
    waiting,
    /// Writing is over, for `write_error`.
    failed,
  };

  struct free_block {
    void operator()(detail::payload_block* block) const noexcept {
      detail::destroy_payload_block(block);
    }
  };

  /// Returns whether the system still knows memory of this slot.
  bool has_outstanding() const noexcept {
    return reading == read_state::reading || reading == read_state::joining || num_in_flight > 0;
  }

  unique_handle handle;

  iocp_operation read;
  std::unique_ptr<std::byte[]> buffer;
  size_t buffer_size = 0;
  /// How many bytes of `buffer` were read.
  size_t held = 0;
  std::unique_ptr<detail::payload_block, free_block> joined;
  read_state reading = read_state::idle;

  write_state writing = write_state::flowing;
  /// A write had to wait for room, and `writes` was never empty since: the peer has not read all.
  bool crowded = false;
  /// The first payload that is not all handed to the system, and how many bytes of it are.
  size_t next_write = 0;
  size_t next_offset = 0;
  /// A ring of `writes_in_flight`, made with the first write.
  std::unique_ptr<iocp_operation[]> write_operations;
  size_t first_in_flight = 0;
  size_t num_in_flight = 0;
  DWORD write_error = 0;

  /// Why the pipe cannot be read, found by adopt() and not reported yet.
  caf::error failure;
};

// -- what it keeps about a listener -----------------------------------------------------------

struct iocp_listener : pipe_listener {
  instance_settings settings;
  size_t backlog = 0;
  /// The instances that wait for a client, by the number that their packets name.
  std::map<ULONG_PTR, std::unique_ptr<listening_instance>> instances;
  /// Those of `instances` whose client has come and waits for the gate, in their order.
  std::deque<ULONG_PTR> arrived;
};

// -- the port ---------------------------------------------------------------------------------

class iocp_port final : public system_port<iocp_slot, iocp_listener> {
public:
  /// @param spin how long a turn polls before it sleeps
  PIPEACTOR_EXPORT static caf::expected<std::unique_ptr<completion_port>>
  make(std::chrono::microseconds spin);

  iocp_port(iocp_queue queue, std::chrono::microseconds spin);
  ~iocp_port() override;

  port_kind kind() const noexcept override;
  bool guards_access() const noexcept override;
  size_t max_message_size() const noexcept override;
  caf::error check_message_size(size_t size) const override;

  caf::expected<listener_id> listen(const listen_request& request) override;
  std::string address(listener_id listener) const override;

  pipe_finder finder() const override;

  caf::expected<raw_pipe_ptr> connect(const std::string& pipe_name, pipe_mode mode) override;
  void adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) override;

private:
  using slot = iocp_slot;
  using listener = iocp_listener;
  using operation = iocp_operation;
  using read_state = iocp_slot::read_state;
  using write_state = iocp_slot::write_state;

  /// The subject of a packet: its completion key.
  enum packet_key : ULONG_PTR { woken = 1, client_came, operation_done };

  // -- listening ------------------------------------------------------------------------------

  void begin_accepting(listener& l) override;
  bool end_accepting(listener& l) override;
  caf::error add_instance(listener& l, bool is_first);
  void on_client(ULONG_PTR number);
  void accept_arrived(listener& l);

  // -- a turn ---------------------------------------------------------------------------------

  void serve_slot(slot& s) override;
  bool poll() override;
  void sleep(time_point deadline) override;
  bool take_packets(DWORD milliseconds);
  void dispatch() override;
  void dispatch(const OVERLAPPED_ENTRY& packet);
  void signal() noexcept override;

  // -- receiving ------------------------------------------------------------------------------

  void begin_reading(slot& s);
  void read_ahead(slot& s);
  bool make_buffer(slot& s);
  void join(slot& s);
  void submit_read(slot& s, read_state what, std::byte* bytes, size_t size);
  void on_read(slot& s, DWORD size);
  void on_joined(slot& s, DWORD size, bool whole);
  void read_failed(slot& s, DWORD code);

  // -- sending --------------------------------------------------------------------------------

  void begin_writing(slot& s);
  bool submit_write(slot& s);
  void on_written(slot& s, const operation& done);
  void write_failed(slot& s, DWORD code);

  // -- closing --------------------------------------------------------------------------------

  void cancel(slot& s) noexcept;
  void close_handle(slot& s) noexcept override;

  iocp_queue queue_;
  /// How many packets lie in `queue_`, taken out and not dispatched.
  size_t num_packets_ = 0;
  ULONG_PTR last_instance_ = 0;
};

} // namespace pipeactor::port
