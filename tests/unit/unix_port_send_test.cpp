// How the Linux ports send if the system takes less than they think: no byte and no message is ever
// missing from the middle.

#include "syscall_faults.hpp"
#include "unix_port_helpers.hpp"

#include "skip.hpp"

#include <sys/mman.h>

#include <algorithm>

using namespace unix_port;

namespace {

/// Returns a payload of zeros that takes no memory, whatever its size.
payload payload_of_zeros(size_t size) {
  struct block : detail::payload_block {
    ~block() {
      munmap(const_cast<std::byte*>(data), size);
    }
  };
  auto* memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  auto* result = new block;
  result->data = static_cast<std::byte*>(memory);
  result->size = size;
  result->dispose = [](detail::payload_block* b) noexcept { delete static_cast<block*>(b); };
  return payload{result};
}

/// Returns the number of bytes that wait to be read, which it takes.
size_t read_bytes(const unique_fd& fd) {
  std::string buffer(size_t{1} << 20, '\0');
  auto size = recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  return size > 0 ? static_cast<size_t>(size) : 0;
}

/// Leaves a pipe far less room than its port has asked for.
void shrink_send_buffer(pipe_record& pipe) {
  int least = 1;
  REQUIRE(
    setsockopt(static_cast<int>(pipe.native_handle()), SOL_SOCKET, SO_SNDBUF, &least, sizeof(least))
    == 0);
}

std::string numbered(size_t number, size_t size) {
  auto result = std::to_string(number) + ":";
  result.resize(size, static_cast<char>('a' + number % 26));
  return result;
}

} // namespace

// A length that is cut to 32 bits is 0 or 7 here.
TEST_CASE("unix ports send a write to a stream even if it has 4 GiB or more") {
  world w;
  auto size = (size_t{4} << 30) + GENERATE(size_t{0}, size_t{7});
  auto [pipe, peer] = w.connected(pipe_mode::byte);
  w.port->write(*pipe, payload{"first"});
  w.port->write(*pipe, payload_of_zeros(size));
  size_t got = 0;
  w.step_until([&, fd = std::ref(peer)] {
    got += read_bytes(fd);
    return got > size_t{4} << 20;
  });
  CHECK(w.events.sent == 1);
  CHECK(w.turns_in(50ms) < 20);
  w.port->close(*pipe);
  CHECK(w.settle().back() == "closed");
}

TEST_CASE("unix ports keep a stream whole if its send buffer is smaller than they think") {
  world w;
  constexpr size_t count = 200;
  constexpr size_t size = 6000;
  auto [pipe, peer] = w.connected(pipe_mode::byte);
  shrink_send_buffer(*pipe);
  std::string expected;
  for (size_t number = 0; number < count; ++number)
    expected += numbered(number, size);
  std::string got;
  size_t written = 0;
  w.step_until([&, &pipe = pipe, &peer = peer] {
    // Some at a time: alone, and several in one turn.
    for (size_t more = 1 + got.size() % 3; more > 0 && written < count; --more, ++written)
      w.port->write(*pipe, payload{expected.substr(written * size, size)});
    char buffer[4096];
    auto result = recv(peer.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    got.append(buffer, static_cast<size_t>(std::max<ssize_t>(result, 0)));
    return w.events.sent + w.events.failed == count && got.size() >= expected.size();
  });
  CHECK((got == expected));
  CHECK(w.events.failed == 0);
}

TEST_CASE("unix ports keep messages whole and in order if their send buffer is smaller than they "
          "think") {
  world w;
  // As many as the port sends in one turn without a look at the socket.
  constexpr size_t count = 40;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  w.port->write(*pipe, payload{"so that the port has looked at its socket"});
  CHECK(w.settle() == strings{"sent 1"});
  REQUIRE(receive_from(peer) != "-");
  shrink_send_buffer(*pipe);
  for (size_t number = 0; number < count; ++number)
    w.port->write(*pipe, payload{numbered(number, 1000)});
  size_t next = 0;
  w.step_until([&, &peer = peer] {
    for (auto text = receive_from(peer); text != "-"; text = receive_from(peer))
      if (text == numbered(next, 1000))
        ++next;
    return w.events.sent + w.events.failed == count + 1;
  });
  for (auto text = receive_from(peer); text != "-"; text = receive_from(peer))
    next += text == numbered(next, 1000);
  CHECK(next == count);
  CHECK(w.events.failed == 0);
}

TEST_CASE("unix ports tell a pipe whose peer is gone from one that is served in the same turn") {
  world w;
  for (int round = 0; round < 3; ++round) {
    auto [gone, lost_peer] = w.connected(pipe_mode::message);
    auto [served, peer] = w.connected(pipe_mode::message);
    { auto closed = std::move(lost_peer); }
    auto sent = w.events.sent;
    auto failed = w.events.failed;
    for (auto data : {"a", "b", "c"}) {
      w.port->write(*gone, payload{data});
      w.port->write(*served, payload{data});
    }
    w.settle();
    CHECK(w.events.failed == failed + 3);
    CHECK(w.events.sent == sent + 3);
    for (auto data : {"a", "b", "c"})
      CHECK(receive_from(peer) == data);
    CHECK(served->is_connected());
  }
}

// More than a kernel sends in one message: the only way to make one fail between others.
TEST_CASE("unix ports end a pipe that lost a message between others") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::message);
  int most = 16 << 20;
  if (setsockopt(static_cast<int>(pipe->native_handle()), SOL_SOCKET, SO_SNDBUFFORCE, &most,
                 sizeof(most))
      != 0)
    test::skip("as an ordinary user: needs root's right to make a send buffer large");
  w.port->start_reading(*pipe);
  w.port->write(*pipe, payload{"a"});
  w.port->write(*pipe, payload{std::string(size_t{5} << 20, 'x')});
  w.port->write(*pipe, payload{"b"});
  CHECK(w.settle() == strings{"sent 1", "failed 2 out_of_resources", "ended out_of_resources"});
  CHECK(receive_from(peer) == "a");
  w.port->write(*pipe, payload{"c"});
  CHECK(w.settle() == strings{"failed 1 out_of_resources"});
  w.port->close(*pipe);
  CHECK(w.settle() == strings{"closed"});
}

// The floors above refuse such messages; the system may grant less than it did when they asked.
TEST_CASE("unix ports fail a message alone that the system finds too long") {
  world w;
  auto longest = w.port->max_message_size();
  if (longest >= longest_message(SIZE_MAX))
    return test::skip("on a system whose net.core.wmem_max grants the longest messages there are");
  auto [pipe, peer] = w.connected(pipe_mode::message);
  w.port->start_reading(*pipe);
  w.settle();
  for (int round = 0; round < 3; ++round) {
    w.port->write(*pipe, payload{"before"});
    w.port->write(*pipe, payload{std::string(longest + 1, 'x')});
    w.port->write(*pipe, payload{"after"});
    auto told = w.settle();
    CHECK(std::count(told.begin(), told.end(), "failed 1 message_too_large") == 1);
    CHECK(w.events.sent == static_cast<size_t>(2 * (round + 1)));
    CHECK(receive_from(peer) == "before");
    CHECK(receive_from(peer) == "after");
    CHECK(pipe->state() == pipe_state::connected);
  }
}

TEST_CASE("epoll_port ends a pipe if the system has no memory to send") {
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto text = unix_helpers::in_child([&] {
    describe(make_error(errc::out_of_resources, "", EMFILE));
    auto& w = *new world{port_kind::epoll};
    auto [pipe, peer] = w.connected(mode);
    w.port->start_reading(*pipe);
    w.settle();
    unix_helpers::fail_syscalls({__NR_sendto, __NR_sendmsg, __NR_sendmmsg}, ENOBUFS);
    for (auto data : {"a", "b", "c"})
      w.port->write(*pipe, payload{data});
    auto told = w.settle();
    w.port->write(*pipe, payload{"d"});
    auto later = w.settle();
    told.insert(told.end(), later.begin(), later.end());
    std::string lines;
    for (auto& line : told)
      lines += line + "; ";
    return lines;
  });
  CHECK(text == "failed 3 out_of_resources; ended out_of_resources; failed 1 out_of_resources; ");
}

// Several payloads, and a long one among them: each is reported when it is whole.
TEST_CASE("unix ports send many short writes of a stream, and report each once") {
  world w;
  auto [pipe, peer] = w.connected(pipe_mode::byte);
  std::string expected;
  for (size_t number = 0; number < 150; ++number) {
    auto data = numbered(number, number == 70 ? 300'000 : 10 + number);
    expected += data;
    w.port->write(*pipe, payload{data});
  }
  std::string got;
  w.step_until([&, &peer = peer] {
    for (auto text = receive_from(peer); text != "-"; text = receive_from(peer))
      got += text;
    return w.events.sent == 150 && got.size() >= expected.size();
  });
  CHECK((got == expected));
}
