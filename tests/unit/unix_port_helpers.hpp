#pragma once

// Drives a Linux port by hand against raw sockets.

#include "port_recorder.hpp"
#include "unix_helpers.hpp"

#include "port/linux/epoll_port.hpp"
#include "port/linux/io_uring_port.hpp"
#include "port/linux/unique_fd.hpp"
#include "port/linux/unix_socket.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace unix_port {

using namespace pipeactor;
using namespace pipeactor::port;
using namespace std::chrono_literals;

using port_test::recorder;
using port_test::strings;

/// The ports that every test here runs on.
inline port_kind each_port() {
  return GENERATE(values({port_kind::epoll, port_kind::io_uring}));
}

inline std::unique_ptr<completion_port> make_port(port_kind kind) {
  auto result = kind == port_kind::io_uring ? io_uring_port::make(0us) : epoll_port::make(0us);
  REQUIRE(result);
  CHECK((*result)->kind() == kind);
  return std::move(*result);
}

/// A port, what it reports, and the pipes that it has.
class world {
public:
  world() : world(each_port()) {}

  explicit world(port_kind kind) : port(make_port(kind)) {}

  ~world() {
    events.hook = nullptr;
    for (auto& pipe : pipes_)
      port->close(*pipe);
    for (int turn = 0; turn < 100 && events.closed < pipes_.size(); ++turn)
      port->turn(clock::now() + 10ms, events);
    CHECK(events.closed == pipes_.size());
  }

  /// Makes a pipe of one end of a new socket pair.
  /// @returns it and the other end
  std::pair<pipe_record_ptr, unique_fd> connected(pipe_mode mode, size_t limit = 65536) {
    int ends[2];
    auto type = mode == pipe_mode::message ? SOCK_SEQPACKET : SOCK_STREAM;
    REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0);
    return {adopt(unique_fd{ends[0]}, mode, limit), unique_fd{ends[1]}};
  }

  pipe_record_ptr adopt(unique_fd fd, pipe_mode mode, size_t limit = 65536) {
    pipe_settings settings;
    settings.mode = mode;
    settings.receive_limit = limit;
    auto pipe = caf::make_counted<pipe_record>(pipes_.size(), settings);
    pipes_.push_back(pipe);
    port->adopt(pipe, std::make_unique<unix_pipe>(std::move(fd)));
    CHECK(pipe->state() == pipe_state::connected);
    return pipe;
  }

  /// @returns why the port is beyond repair, or none
  caf::error turn(clock::duration patience = 0ms) {
    return port->turn(clock::now() + patience, events);
  }

  /// Runs turns until nothing more is reported.
  /// @returns what was
  strings settle() {
    for (size_t before = SIZE_MAX; before != events.events.size();) {
      before = events.events.size();
      turn();
      turn(5ms);
    }
    return events.take();
  }

  /// Runs turns until `done`, or for five seconds.
  template <class F>
  void step_until(F done) {
    for (auto end = clock::now() + 5s; !done() && clock::now() < end;)
      turn(1ms);
    REQUIRE(done());
  }

  /// Returns how many turns pass while nothing is to be done. A port that spins takes
  /// thousands.
  size_t turns_in(clock::duration time) {
    size_t result = 0;
    for (auto end = clock::now() + time; clock::now() < end; ++result)
      port->turn(end, events);
    return result;
  }

  /// io_uring takes an empty message directly before the end for the end.
  bool sees_an_empty_message_before_the_end() const {
    return port->kind() == port_kind::epoll;
  }

  std::unique_ptr<completion_port> port;
  recorder events;

private:
  std::vector<pipe_record_ptr> pipes_;
};

inline bool send_to(const unique_fd& fd, const std::string& text) {
  return send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL)
         == static_cast<ssize_t>(text.size());
}

/// Returns the next message, "-" if there is none, and "." at the end.
inline std::string receive_from(const unique_fd& fd, int flags = MSG_DONTWAIT) {
  std::string buffer(size_t{5} << 20, '\0');
  auto size = recv(fd.get(), buffer.data(), buffer.size(), flags);
  if (size < 0)
    return "-";
  buffer.resize(static_cast<size_t>(size));
  return size == 0 ? "." : buffer;
}

/// Sends `text` and a descriptor with it.
inline bool send_descriptor(const unique_fd& fd, std::string text, int descriptor) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec piece{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  auto* entry = CMSG_FIRSTHDR(&header);
  entry->cmsg_level = SOL_SOCKET;
  entry->cmsg_type = SCM_RIGHTS;
  entry->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(entry), &descriptor, sizeof(int));
  return sendmsg(fd.get(), &header, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

} // namespace unix_port
