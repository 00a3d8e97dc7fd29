// What only the iocp port knows: packets, instances, long messages. What every port promises is
// tested in tests/contract.

#include "port_recorder.hpp"

#include "port/windows/iocp_port.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

using namespace port_test;
using namespace std::chrono_literals;

namespace {

std::string next_name() {
  static int last = 0;
  return "iocp-" + std::to_string(GetCurrentProcessId()) + "-" + std::to_string(++last);
}

class world {
public:
  explicit world(pipe_mode mode = pipe_mode::message, size_t limit = 65536) {
    settings_.mode = mode;
    settings_.receive_limit = limit;
    auto made = iocp_port::make(0us);
    REQUIRE(made);
    port = std::move(*made);
    request.pipe_name = next_name();
    request.mode = mode;
  }

  ~world() {
    end();
  }

  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// Closes what is open, and the port.
  void end() {
    if (port == nullptr)
      return;
    if (listener_ != 0)
      port->stop_listening(listener_);
    for (auto& pipe : pipes_)
      port->close(*pipe);
    for (auto end = clock::now() + 10s; events.closed < pipes_.size() && clock::now() < end;)
      turn(10ms);
    turn();
    CHECK(events.closed == pipes_.size());
    port = nullptr;
  }

  void listen(size_t backlog = 4) {
    request.backlog = backlog;
    auto listener = port->listen(request);
    REQUIRE(listener);
    listener_ = *listener;
  }

  pipe_record_ptr adopt(raw_pipe_ptr raw) {
    auto pipe = caf::make_counted<pipe_record>(pipes_.size(), settings_);
    pipes_.push_back(pipe);
    port->adopt(pipe, std::move(raw));
    return pipe;
  }

  /// Takes the next client that was accepted.
  pipe_record_ptr accept() {
    step_until([&] { return !events.accepted.empty(); });
    auto raw = std::move(events.accepted.front());
    events.accepted.erase(events.accepted.begin());
    return adopt(std::move(raw));
  }

  /// Makes a client that no port has adopted.
  raw_pipe_ptr connect() {
    auto raw = port->connect(request.pipe_name, request.mode);
    for (auto end = clock::now() + 10s; !raw && clock::now() < end;) {
      turn(1ms);
      raw = port->connect(request.pipe_name, request.mode);
    }
    REQUIRE(raw);
    return std::move(*raw);
  }

  void turn(clock::duration patience = 0ms) {
    port->turn(clock::now() + patience, events);
  }

  template <class F>
  void step_until(F done) {
    for (auto end = clock::now() + 30s; !done() && clock::now() < end;)
      turn(10ms);
    REQUIRE(done());
  }

  std::unique_ptr<completion_port> port;
  listen_request request;
  recorder events;

private:
  pipe_settings settings_;
  listener_id listener_ = 0;
  std::vector<pipe_record_ptr> pipes_;
};

HANDLE handle_of(const raw_pipe_ptr& raw) {
  return static_cast<windows_pipe&>(*raw).handle.get();
}

/// Writes what fits into the pipe.
void send(const raw_pipe_ptr& raw, const std::string& text) {
  OVERLAPPED overlapped = {};
  auto size = static_cast<DWORD>(text.size());
  REQUIRE(WriteFile(handle_of(raw), text.data(), size, nullptr, &overlapped));
}

size_t count(const strings& events, const std::string& wanted) {
  return static_cast<size_t>(std::count(events.begin(), events.end(), wanted));
}

std::string bytes(size_t size) {
  std::string result(size, '\0');
  for (size_t index = 0; index < size; ++index)
    result[index] = static_cast<char>(index * 31 + index / 4096);
  return result;
}

} // namespace

// -- waiting ----------------------------------------------------------------------------------

TEST_CASE("the iocp port waits until the deadline, also a close one") {
  world w;
  for (auto wait : {clock::duration{300us}, clock::duration{20ms}}) {
    auto begin = clock::now();
    w.port->turn(begin + wait, w.events);
    CHECK(clock::now() - begin >= wait);
  }
}

TEST_CASE("the iocp port ends a wait, now or at the next turn, when it is woken") {
  world w;
  for (int turn = 0; turn < 1000; ++turn)
    w.port->wake();
  w.port->turn(time_point::max(), w.events);
  std::atomic<bool> ended{false};
  std::thread waker{[&] {
    while (!ended) {
      std::this_thread::sleep_for(1ms);
      w.port->wake();
    }
  }};
  for (int turn = 0; turn < 20; ++turn)
    w.port->turn(time_point::max(), w.events);
  ended = true;
  waker.join();
}

// -- listening --------------------------------------------------------------------------------

TEST_CASE("the iocp port keeps its instances ready, and makes another for each client") {
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
  w.step_until([&] { return w.events.accepted.size() == 3; });
  for (int index = 0; index < 3; ++index) {
    auto raw = w.port->connect(w.request.pipe_name, w.request.mode);
    REQUIRE(raw);
    clients.push_back(std::move(*raw));
  }
  w.step_until([&] { return w.events.accepted.size() == 6; });
}

TEST_CASE("the iocp port gives the name back, also with clients that it was not told of yet") {
  world w;
  for (int round = 0; round < 20; ++round) {
    auto listener = w.port->listen(w.request);
    REQUIRE(listener);
    auto client = w.connect();
    if (round % 2 == 0)
      client = nullptr;
    w.port->stop_listening(*listener);
    w.port->stop_listening(*listener);
    w.step_until([&] { return count(w.events.events, "listener closed") == 1; });
    w.events.take();
    w.events.accepted.clear();
    auto late = w.port->connect(w.request.pipe_name, w.request.mode);
    REQUIRE_FALSE(late);
    CHECK(code_of(late.error()) == errc::no_such_pipe);
  }
}

// -- long messages ----------------------------------------------------------------------------

TEST_CASE("the iocp port passes a message of 16 MiB through a pipe with room for 64 KiB") {
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
    w.turn(20ms);
    CHECK(w.events.sent == 0);
    w.port->start_reading(*to);
    w.step_until([&] { return arrived.size() >= size && w.events.sent == 1; });
    CHECK((arrived == message));
    if (mode == pipe_mode::message)
      CHECK(count(w.events.take(), "received #16777216") == 1);
    w.port->pause_reading(*to);
    w.events.sent = 0;
  }
}

TEST_CASE("the iocp port ends reading at a message of 16 MiB and one byte, and stores none of it") {
  constexpr size_t size = size_t{16} << 20;
  world w{pipe_mode::message, size};
  w.listen();
  auto client = w.adopt(w.connect());
  auto server = w.accept();
  w.port->start_reading(*server);
  w.port->write(*client, payload{bytes(size + 1)});
  w.step_until([&] { return count(w.events.events, "ended message_too_large") == 1; });
  CHECK(w.events.received == 0);
}

// -- the end ----------------------------------------------------------------------------------

TEST_CASE("the iocp port closes with reads and writes under way, each write failing once") {
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
  w.turn(20ms);
  CHECK(w.events.sent < writes);
  w.port->close(*server);
  w.step_until([&] { return w.events.closed == 1; });
  CHECK(w.events.sent + w.events.failed == writes);
  CHECK(w.events.events.back() == "closed");
}

TEST_CASE("the iocp port ends with packets that nobody took") {
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
      send(client, "a word");
    clients.resize(2);
    auto late = w.port->connect(w.request.pipe_name, w.request.mode);
    w.port->wake();
    w.end();
  }
}
