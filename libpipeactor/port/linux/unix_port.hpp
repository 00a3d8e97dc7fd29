#pragma once

// The base of io_uring_port and epoll_port: AF_UNIX sockets that listen, are connected, adopted and
// closed, and an eventfd that ends a wait.

#include "port/linux/name_watch.hpp"
#include "port/linux/pipe_discovery.hpp"
#include "port/linux/unique_fd.hpp"
#include "port/linux/unix_error.hpp"
#include "port/linux/unix_socket.hpp"
#include "port/system_port.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace pipeactor::port {

struct unix_slot : pipe_slot {
  int fd = -1;
  /// Why writing is over, or 0.
  int write_error = 0;
  /// The send buffer has been full, and was given `defaults::busy_send_buffer`.
  bool enlarged = false;
  /// Why the pipe cannot be read, found by adopt() and not reported yet.
  caf::error failure;
};

struct unix_port_listener : pipe_listener {
  unix_listener socket;
  /// The system reports clients, and the end. Not while the listener rests or its gate is shut.
  bool watched = false;
};

/// The meaning of an error of accept4(2) for a listener.
enum class accept_failure : uint8_t {
  /// No client waits.
  no_client,
  /// This client is gone; the next one may not be.
  client_gone,
  /// The system has no resources, or forbids it: clients can wait.
  not_now,
  /// The socket accepts no more clients.
  listener_dead,
};

/// @param error_number `errno` of accept4(2), see accept(2)
accept_failure accept_failure_of(int error_number) noexcept;

/// Returns the error of a listener at `path` whose socket was shut down.
caf::error hung_up(const std::string& path);

/// Returns the error of a listener at `path` whose files are gone.
caf::error files_removed(const std::string& path);

/// Takes note of `bytes` of a stream that left.
/// @returns the number of writes that are complete
size_t count_complete(pipe_slot& s, size_t bytes);

/// Ends a wait for an eventfd(2). Any thread.
void notify(int event_fd) noexcept;

/// @tparam Slot derived from `unix_slot`
/// @tparam Listener derived from `unix_port_listener`
template <class Slot, class Listener>
class unix_port : public system_port<Slot, Listener> {
public:
  bool guards_access() const noexcept final {
    return false;
  }

  size_t max_message_size() const noexcept final {
    return max_message_size_;
  }

  caf::error check_message_size(size_t size) const final {
    return check_unix_message_size(size);
  }

  caf::expected<listener_id> listen(const listen_request& request) final {
    if (auto err = check_message_size(request.max_message_size))
      return err;
    auto socket = listen_unix(request);
    if (!socket)
      return std::move(socket.error());
    names_.add(socket->claim);
    // Nobody reports what was removed before it was watched.
    if (!socket->claim.is_intact())
      return errors::failed(errc::pipe_busy, "cannot listen on " + socket->claim.path(), 0,
                            "its files were removed at once: try again");
    auto& l = this->listeners_.add([&](Listener& l) {
      l.gate.on_open([this] { this->wake(); });
      l.socket = std::move(*socket);
    });
    return l.id;
  }

  std::string address(listener_id listener) const final {
    auto* l = this->listeners_.find(listener);
    return l != nullptr ? l->socket.claim.path() : std::string{};
  }

  pipe_finder finder() const final {
    return find_pipe_names;
  }

  caf::expected<raw_pipe_ptr> connect(const std::string& pipe_name, pipe_mode mode) final {
    auto fd = connect_unix(pipe_name, mode);
    if (!fd)
      return std::move(fd.error());
    return raw_pipe_ptr{std::make_unique<unix_pipe>(std::move(*fd))};
  }

  void adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) final {
    auto& fd = static_cast<unix_pipe&>(*raw).fd;
    auto peer = peer_of(fd.get());
    auto& s = this->slots_.take(pipe);
    s.fd = fd.release();
    close_in_children(s.fd);
    this->set_connected(*pipe, s.fd, std::move(peer));
    if (pipe->settings().mode == pipe_mode::byte)
      s.failure = read_urgent_data_inline(s.fd);
    if (!s.failure)
      s.failure = prepare_reading(s);
  }

protected:
  /// @param event an eventfd, blocking or not as the port needs it
  unix_port(unique_fd event, std::chrono::microseconds spin)
      : system_port<Slot, Listener>(spin), event_(std::move(event)),
        max_message_size_(longest_message(largest_send_buffer())) {}

  // -- what a port does in its own way --------------------------------------------------------

  /// Gets what reading a new pipe needs.
  /// @returns none, or why it cannot be read, which on_read_ended then reports
  virtual caf::error prepare_reading(Slot& s) = 0;

  // -- listening ------------------------------------------------------------------------------

  /// Accepts the clients that wait, as far as the gate lets them in.
  void accept_all(Listener& l) {
    for (size_t count = 0; count < defaults::accepted_at_once; ++count) {
      if (l.closing() || l.rests() || !l.gate.is_open())
        return;
      unique_fd client{
        accept4(l.socket.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (client)
        accept(l, std::move(client));
      else if (!accept_failed(l, errno))
        return;
    }
  }

  void accept(Listener& l, unique_fd client) {
    auto raw = std::make_unique<unix_pipe>(std::move(client));
    raw->ticket = l.gate.admit();
    this->reported_ = true;
    this->handler_->on_accepted(l.id, std::move(raw));
  }

  /// @param error_number `errno` of accept4(2)
  /// @returns whether the next client may be waiting
  bool accept_failed(Listener& l, int error_number) {
    auto failure = accept_failure_of(error_number);
    if (failure == accept_failure::not_now)
      rest(l, this->now(), l.socket.claim.path(), unix_error(error_number, "accept"));
    else if (failure == accept_failure::no_client)
      all_accepted(l);
    else if (failure == accept_failure::listener_dead)
      fail(l, unix_error(error_number, "cannot accept clients of " + l.socket.claim.path()));
    return failure == accept_failure::client_gone;
  }

  /// Something happened to the files of listeners. Without them clients find no server, and another
  /// one could take the name.
  void look_at_names() {
    names_.drain();
    this->listeners_.for_each([](Listener& l) {
      if (!l.socket.claim.is_intact())
        fail(l, files_removed(l.socket.claim.path()));
    });
  }

  /// A poll says that the listening socket hung up. accept4(2) does not report it: EAGAIN.
  void listener_hung_up(Listener& l) {
    fail(l, hung_up(l.socket.claim.path()));
  }

  // -- receiving ------------------------------------------------------------------------------

  /// Looks behind what was received so far. Message mode: of a socket whose messages are stamped.
  /// @returns whether the peer has ended writing, and nothing is left unread
  bool is_read_out(Slot& s) {
    auto mode = s.pipe->settings().mode;
    auto found = peek_input(s.fd, mode);
    if (found == peeked::reset) {
      s.reset = true;
      found = peek_input(s.fd, mode);
    }
    return found == peeked::end_of_file;
  }

  // -- sending --------------------------------------------------------------------------------

  /// Makes a send buffer larger that is full for the first time.
  /// @returns the SO_SNDBUF now in force, or 0 if nothing was changed
  size_t make_room(Slot& s) {
    return std::exchange(s.enlarged, true) ? 0
                                           : raise_send_buffer(s.fd, defaults::busy_send_buffer);
  }

  /// A write failed: none goes out after it, or the peer would miss it and not know. Nothing is
  /// in the system's hands.
  void end_writing(Slot& s, int error_number, const char* what = "cannot write to a pipe") {
    if (s.closing())
      return;
    s.reset |= error_number == ECONNRESET;
    s.write_error = error_number;
    this->set_closing(*s.pipe);
    auto reason = unix_error(error_number, what);
    this->fail_writes(s, s.writes.size(), reason);
    // Input that a peer wrote before it left can still be read.
    auto is_gone = error_number == EPIPE || error_number == ECONNRESET;
    if (!is_gone && !s.closing() && !s.reading_ended())
      this->end_reading(s, reason);
  }

  /// Fails what was written after the end of writing.
  void fail_late_writes(Slot& s) {
    this->fail_writes(s, s.writes.size(), unix_error(s.write_error, "cannot write to a pipe"));
  }

  // -- closing --------------------------------------------------------------------------------

  void close_handle(Slot& s) noexcept override {
    if (s.fd < 0)
      return;
    if (s.input != input_state::read_out)
      discard_input(s.fd, s.pipe->settings().mode);
    // The peer sees the end even if another process shares the socket.
    shutdown(s.fd, SHUT_RDWR);
    // Linux frees the descriptor whatever close(2) returns, and nobody is left to report an error
    // to.
    unique_fd{std::exchange(s.fd, -1)};
  }

  void signal() noexcept final {
    notify(event_.get());
  }

  unique_fd event_;
  name_watch names_;
  /// The system reports changes of `names_`.
  bool names_watched_ = false;

private:
  size_t max_message_size_;
};

} // namespace pipeactor::port
