// What only the Linux ports know: sockets, hang-ups, control data. What every port
// promises is tested in tests/contract.

#include "unix_port_helpers.hpp"

#include <fcntl.h>

#include <atomic>
#include <random>
#include <thread>

using namespace unix_port;

// -- reading ----------------------------------------------------------------------------------

TEST_CASE("unix ports tell an empty message from the end") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  w.port->start_reading(*pipe);
  REQUIRE(send_to(peer, ""));
  CHECK(w.settle() == strings{"received "});
  REQUIRE(send_to(peer, "x"));
  REQUIRE(send_to(peer, ""));
  REQUIRE(send_to(peer, ""));
  peer = unique_fd{};
  strings expected{"received x", "received ", "received ", "ended closed_by_peer"};
  if (!w.sees_an_empty_message_before_the_end())
    expected.erase(expected.begin() + 1);
  CHECK(w.settle() == expected);
}

TEST_CASE("unix ports read empty messages too, so that the peer gets our last words") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  w.port->start_reading(*pipe);
  REQUIRE(send_to(peer, ""));
  REQUIRE(send_to(peer, "x"));
  shutdown(peer.get(), SHUT_WR);
  CHECK(w.settle().back() == "ended closed_by_peer");
  w.port->write(*pipe, payload{"last words"});
  CHECK(w.settle() == strings{"sent 1"});
  w.port->close(*pipe);
  CHECK(w.settle() == strings{"closed"});
  CHECK(receive_from(peer) == "last words");
}

TEST_CASE("unix ports see empty messages that were sent before the pipe was adopted") {
  world w;
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  unique_fd peer{ends[1]};
  REQUIRE(send_to(peer, ""));
  REQUIRE(send_to(peer, "x"));
  peer = unique_fd{};
  auto pipe = w.adopt(unique_fd{ends[0]}, pipe_mode::message);
  w.port->start_reading(*pipe);
  CHECK(w.settle() == strings{"received ", "received x", "ended closed_by_peer"});
}

TEST_CASE("unix ports count an unread empty message as unread") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  REQUIRE(send_to(peer, ""));
  peer = unique_fd{};
  CHECK(w.settle().empty());
  CHECK(w.turns_in(50ms) < 20);
  w.port->read_one(*pipe);
  if (w.sees_an_empty_message_before_the_end())
    CHECK(w.settle() == strings{"received ", "ended closed_by_peer"});
  else
    CHECK(w.settle() == strings{"ended closed_by_peer"});
}

TEST_CASE("unix ports lose at most the last empty message before the end if nobody reads") {
  world w;
  auto manual = GENERATE(true, false);
  auto before = GENERATE(0, 3);
  CAPTURE(manual, before);
  constexpr size_t empty = 5;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  if (!manual) {
    w.port->start_reading(*pipe);
    w.settle();
    w.port->pause_reading(*pipe);
    CHECK(w.settle().empty());
  }
  strings expected(before, "received x");
  for (int count = 0; count < before; ++count)
    REQUIRE(send_to(peer, "x"));
  for (size_t count = 0; count < empty; ++count)
    REQUIRE(send_to(peer, ""));
  peer = unique_fd{};
  CHECK(w.settle().empty());
  expected.insert(expected.end(), w.sees_an_empty_message_before_the_end() ? empty : empty - 1,
                  "received ");
  expected.push_back("ended closed_by_peer");
  strings got;
  if (manual) {
    for (size_t count = 0; count < before + empty && got.size() < expected.size(); ++count) {
      w.port->read_one(*pipe);
      auto more = w.settle();
      got.insert(got.end(), more.begin(), more.end());
    }
  } else {
    w.port->start_reading(*pipe);
    got = w.settle();
  }
  CHECK(got == expected);
}

TEST_CASE("unix ports report that a peer left without reading, even if nobody reads") {
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto [pipe, peer] = w.connected(mode);
  w.port->write(*pipe, payload{"never read"});
  CHECK(w.settle() == strings{"sent 1"});
  peer = unique_fd{};
  CHECK(w.settle() == strings{"ended peer_reset"});
}

TEST_CASE("unix ports show that a pipe has dropped, even if its input is unread") {
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto was_read = GENERATE(true, false);
  auto [pipe, peer] = w.connected(mode);
  if (was_read) {
    w.port->start_reading(*pipe);
    w.settle();
    w.port->pause_reading(*pipe);
  }
  REQUIRE(send_to(peer, "unread"));
  CHECK(w.settle().empty());
  CHECK(pipe->state() == pipe_state::connected);
  peer = unique_fd{};
  CHECK(w.settle().empty());
  CHECK(pipe->state() == pipe_state::closing);
  w.port->start_reading(*pipe);
  CHECK(w.settle() == strings{"received unread", "ended closed_by_peer"});
}

TEST_CASE("unix ports show that a pipe has dropped before they report the write that met it") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  w.port->start_reading(*pipe);
  w.settle();
  auto state = pipe_state::connected;
  w.events.hook = [&](pipe_record& x, const std::string& event) {
    if (event.substr(0, 6) == "failed")
      state = x.state();
  };
  peer = unique_fd{};
  w.port->write(*pipe, payload{"a"});
  w.settle();
  w.events.hook = nullptr;
  CHECK(state == pipe_state::closing);
}
