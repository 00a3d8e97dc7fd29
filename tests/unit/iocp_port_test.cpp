// What only the iocp port knows: packets, instances, long messages. What every port promises is
// tested in tests/contract.

#include "iocp_port_helpers.hpp"

#include <atomic>
#include <thread>

using namespace iocp_test;

// -- waiting ----------------------------------------------------------------------------------

TEST_CASE("iocp_port waits until the deadline, even a close one") {
  world w;
  for (auto wait : {clock::duration{300us}, clock::duration{20ms}}) {
    auto begin = clock::now();
    w.port->turn(begin + wait, w.events);
    CHECK(clock::now() - begin >= wait);
  }
}

TEST_CASE("iocp_port: a wake-up ends a wait, this one or the next") {
  world w;
  for (int turn = 0; turn < 1000; ++turn)
    w.port->wake();
  w.port->turn(time_point::max(), w.events);
  port_test::turn_while_woken(*w.port, w.events);
}

// -- listening --------------------------------------------------------------------------------

TEST_CASE("iocp_port keeps its instances ready, and makes another for each client") {
  world w;
  w.listen(3);
  std::vector<raw_pipe_ptr> clients;
  // Without a turn of the port in between.
  for (int index = 0; index < 3; ++index) {
    auto raw = w.port->connect(w.request.pipe_name, w.request.mode);
    REQUIRE(raw);
    clients.push_back(std::move(*raw));
  }
  auto fourth = w.port->connect(w.request.pipe_name, w.request.mode);
  REQUIRE_FALSE(fourth);
  CHECK(code_of(fourth.error()) == errc::pipe_busy);
  w.turn_until([&] { return w.events.accepted.size() == 3; });
  for (int index = 0; index < 3; ++index) {
    auto raw = w.port->connect(w.request.pipe_name, w.request.mode);
    REQUIRE(raw);
    clients.push_back(std::move(*raw));
  }
  w.turn_until([&] { return w.events.accepted.size() == 6; });
}

TEST_CASE("iocp_port accepts no more clients than its owner deals with") {
  world w;
  constexpr size_t backlog = 3;
  w.listen(backlog);
  std::vector<raw_pipe_ptr> clients;
  for (size_t count = 0; count < defaults::accepted_at_once; ++count)
    clients.push_back(w.connect());
  w.turn_until([&] { return w.events.accepted.size() == defaults::accepted_at_once; });
  // These wait in their instances, and for others there is none.
  for (size_t count = 0; count < backlog; ++count)
    clients.push_back(w.connect());
  for (int turn = 0; turn < 5; ++turn)
    w.turn(a_moment);
  CHECK(w.events.accepted.size() == defaults::accepted_at_once);
  auto late = w.port->connect(w.request.pipe_name, w.request.mode);
  REQUIRE_FALSE(late);
  CHECK(code_of(late.error()) == errc::pipe_busy);
  // One is adopted, one is closed: two others may come.
  w.accept();
  w.events.accepted.pop_back();
  w.turn_until([&] { return w.events.accepted.size() == defaults::accepted_at_once; });
  w.events.accepted.clear();
}

TEST_CASE("iocp_port gives the name back even if clients came that it does not know of yet") {
  world w;
  for (int round = 0; round < 20; ++round) {
    auto listener = w.port->listen(w.request);
    REQUIRE(listener);
    auto client = w.connect();
    if (round % 2 == 0)
      client = nullptr;
    w.port->stop_listening(*listener);
    w.port->stop_listening(*listener);
    w.turn_until([&] { return count(w.events.events, "listener closed") == 1; });
    w.events.take();
    w.events.accepted.clear();
    auto late = w.port->connect(w.request.pipe_name, w.request.mode);
    REQUIRE_FALSE(late);
    CHECK(code_of(late.error()) == errc::no_such_pipe);
  }
}

// -- long messages ----------------------------------------------------------------------------

TEST_CASE("iocp_port passes a message of 16 MiB through a pipe with room for 64 KiB") {
  constexpr size_t size = size_t{16} << 20;
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  world w{mode, size};
  w.listen();
  auto client = w.adopt(w.connect());
  auto server = w.accept();
  auto message = bytes(size);
  for (auto& [from, to] : {std::pair{client, server}, std::pair{server, client}}) {
    std::string arrived;
    w.events.on_data = [&, to = to.get()](pipe_record& pipe, const payload& data) {
      if (&pipe == to)
        arrived += data.text();
    };
    w.port->write(*from, payload{message});
    // It waits for room, and is not cut to what there is.
    w.turn(a_moment);
    CHECK(w.events.sent == 0);
    w.port->start_reading(*to);
    w.turn_until([&] { return arrived.size() >= size && w.events.sent == 1; });
    CHECK((arrived == message));
    if (mode == pipe_mode::message)
      CHECK(count(w.events.take(), "received #" + std::to_string(size)) == 1);
    w.port->pause_reading(*to);
    w.events.sent = 0;
  }
}

TEST_CASE("iocp_port ends reading at a message that is one byte too long, and stores none of it") {
  constexpr size_t size = size_t{16} << 20;
  world w{pipe_mode::message, size};
  w.listen();
  auto client = w.adopt(w.connect());
  auto server = w.accept();
  w.port->start_reading(*server);
  w.port->write(*client, payload{bytes(size + 1)});
  w.turn_until([&] { return count(w.events.events, "ended message_too_large") == 1; });
  CHECK(w.events.received == 0);
}

// -- the end ----------------------------------------------------------------------------------

TEST_CASE("iocp_port closes a pipe with reads and writes under way, and each write fails once") {
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  world w{mode};
  w.listen();
  auto client = w.connect();
  auto server = w.accept();
  w.port->start_reading(*server);
  // More than the pipe has room for and than are handed to the system at once.
  constexpr size_t writes = 100;
  for (size_t index = 0; index < writes; ++index)
    w.port->write(*server, payload{bytes(30'000)});
  w.turn(a_moment);
  CHECK(w.events.sent < writes);
  w.port->close(*server);
  w.turn_until([&] { return w.events.closed == 1; });
  CHECK(w.events.sent + w.events.failed == writes);
  CHECK(w.events.events.back() == "closed");
}

TEST_CASE("iocp_port ends with packets that nobody took") {
  for (int round = 0; round < 20; ++round) {
    world w;
    w.listen();
    std::vector<raw_pipe_ptr> clients;
    for (int index = 0; index < 4; ++index)
      clients.push_back(w.connect());
    std::vector<pipe_record_ptr> servers;
    for (int index = 0; index < 4; ++index)
      servers.push_back(w.accept());
    for (auto& server : servers)
      w.port->start_reading(*server);
    w.turn();
    // Messages that come, clients that leave, one more that connects, and a call: all at once.
    for (auto& client : clients)
      write_now(handle_of(client), "a word");
    clients.resize(2);
    auto late = w.port->connect(w.request.pipe_name, w.request.mode);
    w.port->wake();
    w.end();
  }
}

TEST_CASE("iocp_port reports the end of a pipe that it cannot bind to its queue") {
  world w;
  w.listen();
  auto raw = w.connect();
  auto other = make_queue();
  constexpr ULONG_PTR some_key = 1;
  REQUIRE_FALSE(other.bind(handle_of(raw), some_key));
  auto pipe = w.adopt(std::move(raw));
  w.port->write(*pipe, payload{"not sent"});
  w.turn();
  w.events.events.erase(std::remove(w.events.events.begin(), w.events.events.end(), "accepted"),
                        w.events.events.end());
  CHECK(w.events.take() == strings{"ended os_error", "failed 1 os_error"});
  CHECK(pipe->state() == pipe_state::closing);
}

TEST_CASE("iocp_port reports that its queue failed, and closes pipes with operations under way") {
  auto queue = make_queue();
  auto* handle = queue.native();
  world w{std::move(queue)};
  w.listen();
  auto client = w.connect();
  auto server = w.accept();
  w.port->start_reading(*server);
  constexpr size_t writes = 100;
  for (size_t index = 0; index < writes; ++index)
    w.port->write(*server, payload{bytes(30'000)});
  w.turn(a_moment);
  w.stop_listening();
  REQUIRE_FALSE(w.failure);
  // No packet can be taken from now on. The event takes the number over, so that nothing else does.
  REQUIRE(CloseHandle(handle));
  unique_handle other{CreateEventW(nullptr, TRUE, FALSE, nullptr)};
  w.turn();
  CHECK(os_code_of(w.failure) == ERROR_INVALID_HANDLE);
  w.port->wake();
  w.turn();
  CHECK(w.failure);
  w.port->close(*server);
  w.turn();
  CHECK(w.events.sent + w.events.failed == writes);
  CHECK(w.events.events.back() == "closed");
  // The port closes the number again: the event's, if it has it.
  if (other.get() == handle)
    other.release();
}
