#pragma once

// The port for every Linux: readiness by epoll(7), batches by recvmmsg and sendmmsg. Used if
// io_uring is refused.

#include "port/linux/socket_batch.hpp"
#include "port/linux/unix_port.hpp"

#include <sys/epoll.h>

#include <array>
#include <map>
#include <memory>
#include <vector>

namespace pipeactor::port {

struct epoll_slot : unix_slot {
  enum class write_state : uint8_t {
    /// Writes leave in each turn.
    flowing,
    /// The send buffer is full: EPOLLOUT reports when it has room.
    waiting,
  };

  /// The buffers that its messages are read into; shared with all pipes of its receive limit.
  receive_batch* batch = nullptr;
  /// What epoll watches for; 0: the descriptor is not in the set.
  uint32_t armed = 0;
  write_state writing = write_state::flowing;
  /// There was no receive buffer: reading waits until there may be some.
  bool starved = false;
};

class epoll_port final : public unix_port<epoll_slot, unix_port_listener> {
public:
  /// @param spin how long a turn polls before it sleeps
  PIPEACTOR_EXPORT static caf::expected<std::unique_ptr<completion_port>>
  make(std::chrono::microseconds spin);

  port_kind kind() const noexcept override;

private:
  using slot = epoll_slot;
  using listener = unix_port_listener;

  epoll_port(unique_fd epoll, unique_fd event, std::chrono::microseconds spin);

  /// Calls epoll_ctl(2).
  /// @returns 0 or `errno`
  int watch(int operation, int fd, uint32_t events, uint64_t tag) noexcept;
  void unwatch(int fd) noexcept;

  // -- listening ------------------------------------------------------------------------------

  void begin_accepting(listener& l) override;
  bool end_accepting(listener& l) override;
  void on_clients(listener& l, uint32_t events);

  // -- a turn ---------------------------------------------------------------------------------

  void begin_turn() override;
  void serve_slot(slot& s) override;
  bool poll() override;
  void sleep(time_point deadline) override;
  bool fetched(int count);
  void dispatch() override;
  void dispatch(const epoll_event& event);
  void on_ready(slot& s, uint32_t events);

  static uint32_t interest_of(const slot& s) noexcept;
  void update_interest(slot& s, bool drop_reading);

  // -- receiving ------------------------------------------------------------------------------

  caf::error prepare_reading(slot& s) override;
  void read_messages(slot& s);
  void deliver_messages(slot& s, size_t count);
  void read_bytes(slot& s);
  bool read_again(slot& s, int error_number);
  void look_behind_hangup(slot& s, uint32_t events);
  void starve(slot& s);

  // -- sending --------------------------------------------------------------------------------

  void begin_writing(slot& s);
  bool write_again(slot& s, int error_number, bool& raised);

  // -- closing --------------------------------------------------------------------------------

  void close_handle(slot& s) noexcept override;

  unique_fd epoll_;
  bool has_pwait2_ = true;
  /// Slots that wait for receive buffers, until this time.
  std::vector<uint32_t> starved_;
  time_point starved_until_ = time_point::min();
  std::map<size_t, std::unique_ptr<receive_batch>> batches_;
  send_batch sends_;
  std::array<epoll_event, defaults::completions_per_turn / defaults::reads_per_turn> events_;
  size_t num_events_ = 0;
};

} // namespace pipeactor::port
