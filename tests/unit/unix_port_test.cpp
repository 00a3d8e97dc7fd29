// What only the Linux ports know: sockets, hang-ups, control data. What every port
// promises is tested in tests/contract.

#include "unix_port_helpers.hpp"

#include <fcntl.h>

#include <atomic>
#include <random>
#include <thread>

using namespace unix_port;

// -- reading ----------------------------------------------------------------------------------

TEST_CASE("unix ports deliver what the peer wrote before it closed, after a reset too") {
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto [pipe, peer] = w.connected(mode);
  w.port->write(*pipe, payload{"never read"});
  CHECK(w.settle() == strings{"sent 1"});
  REQUIRE(send_to(peer, "last"));
  REQUIRE(send_to(peer, "words"));
  peer = unique_fd{};
  w.port->start_reading(*pipe);
  if (mode == pipe_mode::message)
    CHECK(w.settle() == strings{"received last", "received words", "ended peer_reset"});
  else
    CHECK(w.settle() == strings{"received lastwords", "ended peer_reset"});
}

TEST_CASE("unix ports deliver last words even if a write meets the reset") {
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto [pipe, peer] = w.connected(mode);
  w.port->write(*pipe, payload{"never read"});
  CHECK(w.settle() == strings{"sent 1"});
  REQUIRE(send_to(peer, "bye"));
  { auto gone = std::move(peer); }
  w.port->write(*pipe, payload{"a"});
  w.port->write(*pipe, payload{"b"});
  // A stream's write sees that the peer is gone before it sees the reset.
  std::string reason = mode == pipe_mode::message ? "peer_reset" : "closed_by_peer";
  CHECK(w.settle() == strings{"failed 2 " + reason});
  w.port->write(*pipe, payload{"c"});
  auto later = w.settle();
  REQUIRE(later.size() == 1);
  CHECK(later[0].substr(0, 8) == "failed 1");
  w.port->start_reading(*pipe);
  CHECK(w.settle() == strings{"received bye", "ended peer_reset"});
}

TEST_CASE("unix ports close descriptors that a peer passes along") {
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto paused = GENERATE(true, false);
  auto [pipe, peer] = w.connected(mode);
  w.port->start_reading(*pipe);
  REQUIRE(w.settle().empty());
  auto before = unix_helpers::open_descriptors();
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  unique_fd reader{ends[0]};
  if (paused)
    w.port->pause_reading(*pipe);
  {
    unique_fd writer{ends[1]};
    for (int count = 0; count < 20; ++count)
      REQUIRE(send_descriptor(peer, "x", writer.get()));
  }
  if (paused) {
    CHECK(w.settle().empty());
    shutdown(peer.get(), SHUT_WR);
    CHECK(w.settle().empty());
    w.port->start_reading(*pipe);
  }
  w.settle();
  CHECK(w.events.received > 0);
  CHECK(unix_helpers::open_descriptors() == before + 1);
  // Nobody holds the writing end now.
  char byte;
  REQUIRE(fcntl(reader.get(), F_SETFL, O_NONBLOCK) == 0);
  CHECK(read(reader.get(), &byte, 1) == 0);
}

TEST_CASE("unix ports take a message of the limit and end reading at one byte more") {
  world w;
  constexpr size_t limit = 10000;
  auto [pipe, peer] = w.connected(pipe_mode::message, limit);
  w.port->start_reading(*pipe);
  REQUIRE(send_to(peer, std::string(limit - 1, 'a')));
  REQUIRE(send_to(peer, std::string(limit, 'a')));
  REQUIRE(send_to(peer, std::string(limit + 1, 'a')));
  REQUIRE(send_to(peer, "more"));
  CHECK(w.settle() == strings{"received #9999", "received #10000", "ended message_too_large"});
}

TEST_CASE("unix ports give one pipe no more than its share of a turn") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  // io_uring fills receive buffers that all pipes share, a quarter of them at most.
  size_t share = w.port->kind() == port_kind::epoll ? defaults::reads_per_turn
                                                    : defaults::receive_buffers / 4;
  REQUIRE(fcntl(peer.get(), F_SETFL, O_NONBLOCK) == 0);
  // The system doubles it: room for about 500 short messages.
  int room = 200'000;
  REQUIRE(setsockopt(peer.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0);
  w.port->start_reading(*pipe);
  // Each burst is longer than a share, and the buffers of io_uring grow from one to the next.
  for (int burst = 0; burst < 4; ++burst) {
    w.port->pause_reading(*pipe);
    CHECK(w.settle().empty());
    size_t sent = 0;
    auto end = w.events.received;
    while (send_to(peer, "x"))
      ++sent;
    INFO("burst " << burst << " of " << sent);
    REQUIRE(sent > share);
    end += sent;
    w.port->start_reading(*pipe);
    size_t turns = 0;
    while (w.events.received < end) {
      auto before = w.events.received;
      w.turn(10ms);
      REQUIRE(w.events.received - before <= share);
      REQUIRE(++turns < 10 * sent);
    }
    w.settle();
    CHECK(w.events.received == end);
  }
}

TEST_CASE("unix ports deliver as many messages as were asked for one by one") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  for (auto text : {"a", "b", "c", "d"})
    REQUIRE(send_to(peer, text));
  CHECK(w.settle().empty());
  w.port->read_one(*pipe);
  CHECK(w.settle() == strings{"received a"});
  w.port->read_one(*pipe);
  w.port->read_one(*pipe);
  CHECK(w.settle() == strings{"received b", "received c"});
  CHECK(w.turns_in(50ms) < 20);
  w.port->start_reading(*pipe);
  CHECK(w.settle() == strings{"received d"});
}

TEST_CASE("unix ports take urgent data of a stream as data") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::byte);
  w.port->start_reading(*pipe);
  REQUIRE(send_to(peer, "a"));
  if (send(peer.get(), "!", 1, MSG_OOB) != 1)
    test::skip("on this kernel: needs urgent data (MSG_OOB) on unix sockets");
  REQUIRE(send_to(peer, "b"));
  std::string all;
  for (auto& event : w.settle())
    all += event.substr(std::string{"received "}.size());
  CHECK(all == "a!b");
  CHECK(w.turns_in(50ms) < 20);
}

// -- hang-ups ---------------------------------------------------------------------------------

TEST_CASE("unix ports do not spin if a paused pipe's peer is gone") {
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto half = GENERATE(true, false);
  auto [pipe, peer] = w.connected(mode);
  REQUIRE(send_to(peer, "unread"));
  if (half)
    shutdown(peer.get(), SHUT_WR);
  else
    peer = unique_fd{};
  CHECK(w.settle().empty());
  CHECK(w.turns_in(50ms) < 20);
  w.port->read_one(*pipe);
  CHECK(w.settle() == strings{"received unread", "ended closed_by_peer"});
  CHECK(w.turns_in(50ms) < 20);
}

TEST_CASE("unix ports report the end of a paused pipe that has nothing unread") {
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto [pipe, peer] = w.connected(mode);
  CHECK(w.settle().empty());
  peer = unique_fd{};
  CHECK(w.settle() == strings{"ended closed_by_peer"});
  CHECK(w.turns_in(50ms) < 20);
}

TEST_CASE("unix ports still write after the peer closed its writing half") {
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto [pipe, peer] = w.connected(mode);
  w.port->start_reading(*pipe);
  REQUIRE(send_to(peer, "question"));
  shutdown(peer.get(), SHUT_WR);
  CHECK(w.settle() == strings{"received question", "ended closed_by_peer"});
  w.port->write(*pipe, payload{"answer"});
  CHECK(w.settle() == strings{"sent 1"});
  CHECK(receive_from(peer) == "answer");
  CHECK(w.turns_in(50ms) < 20);
}

TEST_CASE("unix ports fail writes that wait for room when the peer goes") {
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto paused = GENERATE(true, false);
  auto [pipe, peer] = w.connected(mode);
  if (!paused)
    w.port->start_reading(*pipe);
  for (int count = 0; count < 50; ++count)
    w.port->write(*pipe, payload{std::string(20000, 'x')});
  w.settle();
  REQUIRE(w.events.sent < 50);
  CHECK(w.turns_in(50ms) < 20);
  REQUIRE(send_to(peer, "bye"));
  w.settle();
  peer = unique_fd{};
  w.settle();
  CHECK(w.events.sent + w.events.failed == 50);
  CHECK(w.turns_in(50ms) < 20);
  w.port->start_reading(*pipe);
  w.settle();
  CHECK(w.events.received == 1);
}

// -- writing ----------------------------------------------------------------------------------

TEST_CASE("unix ports keep the order of messages against a reader that races") {
  world w;
  constexpr uint32_t count = 20000;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  std::atomic<uint32_t> good{0};
  std::thread reader{[fd = peer.get(), &good] {
    std::mt19937 random{7};
    uint32_t buffer[1024];
    for (uint32_t expected = 0; expected < count; ++expected) {
      if (recv(fd, buffer, sizeof(buffer), 0) < 4 || buffer[0] != expected)
        return;
      ++good;
      if (random() % 256 == 0)
        std::this_thread::sleep_for(std::chrono::microseconds{random() % 200});
    }
  }};
  std::mt19937 random{3};
  for (uint32_t number = 0; number < count;) {
    for (auto burst = random() % 200 + 1; burst > 0 && number < count; --burst, ++number) {
      std::vector<std::byte> bytes(4 + random() % 2000);
      std::memcpy(bytes.data(), &number, 4);
      w.port->write(*pipe, payload{std::move(bytes)});
    }
    w.turn();
  }
  for (auto end = clock::now() + 20s; w.events.sent < count && clock::now() < end;)
    w.turn(10ms);
  CHECK(w.events.sent == count);
  CHECK(w.events.failed == 0);
  if (w.events.sent < count)
    shutdown(peer.get(), SHUT_RDWR);
  reader.join();
  CHECK(good == count);
}

TEST_CASE("unix ports write a stream whole, however little the peer takes at a time") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::byte);
  std::string all;
  std::mt19937 random{5};
  size_t count = 0;
  for (; all.size() < 3'000'000; ++count) {
    std::string piece(1 + random() % 100'000, '\0');
    for (auto& x : piece)
      x = static_cast<char>(random());
    all += piece;
    w.port->write(*pipe, payload{piece});
  }
  std::string got;
  std::string buffer(30'000, '\0');
  w.step_until([&] {
    for (auto reads = random() % 16; reads > 0; --reads) {
      auto size = recv(peer.get(), buffer.data(), 1 + random() % buffer.size(), MSG_DONTWAIT);
      got.append(buffer, 0, size > 0 ? static_cast<size_t>(size) : 0);
    }
    return got.size() >= all.size();
  });
  w.settle();
  CHECK(got == all);
  CHECK(w.events.sent == count);
}

TEST_CASE("unix ports report the writes of one turn together") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  for (int count = 0; count < 10; ++count)
    w.port->write(*pipe, payload{"x"});
  CHECK(w.settle() == strings{"sent 10"});
}

// Buffers of messages that were sent are free for messages that are received.
TEST_CASE("unix ports report what was sent before what was received in the same turn") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  w.port->start_reading(*pipe);
  w.settle();
  w.port->write(*pipe, payload{"a"});
  w.port->write(*pipe, payload{"b"});
  REQUIRE(send_to(peer, "c"));
  CHECK(w.settle() == strings{"sent 2", "received c"});
}

TEST_CASE("unix ports give a socket that has been full a larger send buffer") {
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto [pipe, peer] = w.connected(mode);
  auto at_first = default_send_buffer();
  auto at_last = [] {
    auto other = unique_fd{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    return raise_send_buffer(other.get(), defaults::busy_send_buffer);
  }();
  auto now = [fd = pipe->native_handle()] { return raise_send_buffer(static_cast<int>(fd), 0); };
  w.port->write(*pipe, payload{std::string(1000, 'x')});
  w.settle();
  CHECK(now() == at_first);
  for (size_t size = 0; size < 2 * at_last; size += 1000)
    w.port->write(*pipe, payload{std::string(1000, 'x')});
  w.settle();
  CHECK(now() == at_last);
  // Nobody has read anything.
  CHECK(w.events.sent > at_first / 4096);
  CHECK(w.events.sent < 2 * at_last / 1000);
}

TEST_CASE("unix ports send messages up to max_message_size between short ones") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  auto longest = w.port->max_message_size();
  CHECK(longest >= 212'960);
  for (auto size : {size_t{10}, longest, size_t{10}, size_t{213'000}, size_t{10}}) {
    if (size <= longest)
      w.port->write(*pipe, payload{std::string(size, 'x')});
  }
  w.step_until([&, fd = std::ref(peer)] {
    receive_from(fd);
    return w.events.sent == (longest > 213'000 ? 5u : 4u);
  });
  CHECK(w.events.failed == 0);
}

// -- closing ----------------------------------------------------------------------------------

TEST_CASE("unix ports end a pipe that is closed, even if another process shares it") {
  world w;
  for (auto mode : {pipe_mode::message, pipe_mode::byte}) {
    auto [pipe, peer] = w.connected(mode);
    w.port->start_reading(*pipe);
    w.settle();
    unique_fd shared{dup(pipe->native_handle())};
    w.port->close(*pipe);
    CHECK(w.settle() == strings{"closed"});
    CHECK(receive_from(peer) == ".");
  }
}

TEST_CASE("unix ports close in this order: failed writes, closed, and nothing after it") {
  world w;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto [pipe, peer] = w.connected(mode);
  w.port->start_reading(*pipe);
  for (int count = 0; count < 50; ++count)
    w.port->write(*pipe, payload{std::string(20000, 'x')});
  w.settle();
  auto left = 50 - w.events.sent;
  REQUIRE(left > 0);
  REQUIRE(send_to(peer, "unread"));
  w.port->close(*pipe);
  w.port->close(*pipe);
  CHECK(pipe->state() == pipe_state::closing);
  CHECK(w.events.take().empty());
  CHECK(w.settle() == strings{"failed " + std::to_string(left) + " operation_aborted", "closed"});
  w.port->close(*pipe);
  CHECK(w.settle().empty());
  // The peer reads our last words and no reset, although we left its own unread.
  size_t words = 0;
  for (; receive_from(peer) != "."; ++words)
    REQUIRE(words < 1000);
  CHECK(words > 0);
}

TEST_CASE("unix ports report nothing of what came in after close was asked for") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  w.port->start_reading(*pipe);
  for (int count = 0; count < 5; ++count)
    REQUIRE(send_to(peer, "x"));
  w.events.hook = [&w](pipe_record& x, const std::string&) {
    if (w.events.received == 2)
      w.port->close(x);
  };
  CHECK(w.settle() == strings{"received x", "received x", "closed"});
}

// -- requests from inside callbacks -----------------------------------------------------------

TEST_CASE("unix ports take any request from inside a callback") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  w.port->read_one(*pipe);
  REQUIRE(send_to(peer, "a"));
  REQUIRE(send_to(peer, "b"));
  w.events.hook = [&w](pipe_record& x, const std::string& event) {
    if (event.substr(0, 8) == "received") {
      w.port->write(x, payload{"echo " + event});
      w.port->read_one(x);
    } else if (w.events.sent == 2) {
      w.port->start_reading(x);
      w.port->pause_reading(x);
      w.port->close(x);
    }
  };
  auto events = w.settle();
  CHECK(w.events.received == 2);
  CHECK(w.events.sent == 2);
  CHECK(events.back() == "closed");
  CHECK(receive_from(peer) == "echo received a");
  CHECK(receive_from(peer) == "echo received b");
  CHECK(receive_from(peer) == ".");
}

TEST_CASE("unix ports pause from inside a callback") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  w.port->start_reading(*pipe);
  for (int count = 0; count < 200; ++count)
    REQUIRE(send_to(peer, "x"));
  w.events.hook = [&w](pipe_record& x, const std::string&) { w.port->pause_reading(x); };
  w.settle();
  // Messages that were in receive buffers already may come, but no more.
  CHECK(w.events.received <= 200);
  auto received = w.events.received;
  CHECK(w.turns_in(50ms) < 20);
  CHECK(w.events.received == received);
  w.events.hook = nullptr;
  w.port->start_reading(*pipe);
  w.step_until([&] { return w.events.received == 200; });
}

TEST_CASE("unix ports adopt from inside on_closed and fail a write made in on_write_failed") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  w.port->write(*pipe, payload{"never sent"});
  w.port->close(*pipe);
  unique_fd second_peer;
  pipe_record_ptr second;
  w.events.hook = [&](pipe_record& x, const std::string& event) {
    if (event == "closed" && second == nullptr)
      std::tie(second, second_peer) = w.connected(pipe_mode::message);
    else if (w.events.failed == 1)
      w.port->write(x, payload{"never sent either"});
  };
  CHECK(w.settle()
        == strings{"failed 1 operation_aborted", "failed 1 operation_aborted", "closed"});
  w.events.hook = nullptr;
  REQUIRE(second != nullptr);
  w.port->start_reading(*second);
  REQUIRE(send_to(second_peer, "hello"));
  CHECK(w.settle() == strings{"received hello"});
}

TEST_CASE("unix ports keep pipes apart that use a slot one after the other") {
  world w;
  for (int turn = 0; turn < 50; ++turn) {
    auto [pipe, peer] = w.connected(pipe_mode::message);
    w.port->start_reading(*pipe);
    REQUIRE(send_to(peer, "x"));
    if (turn % 2 == 0)
      CHECK(w.settle() == strings{"received x"});
    w.port->close(*pipe);
    CHECK(w.settle() == strings{"closed"});
  }
}
