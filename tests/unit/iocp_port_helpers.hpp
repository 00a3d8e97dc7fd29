#pragma once

// Drives the iocp port by hand.

#include "port_recorder.hpp"
#include "windows_helpers.hpp"

#include "port/windows/iocp_port.hpp"

#include <algorithm>

namespace iocp_test {

using namespace port_test;
using namespace windows_helpers;
using namespace std::chrono_literals;

/// How long a test waits for what must come.
constexpr auto patience = 30s;
/// Longer than the system needs to take what it can take at once.
constexpr auto a_moment = 20ms;

constexpr size_t short_limit = 65536;

inline iocp_queue make_queue() {
  auto result = iocp_queue::make();
  REQUIRE(result);
  return std::move(*result);
}

/// A port, what it reports, and the pipes that it has.
class world {
public:
  explicit world(pipe_mode mode = pipe_mode::message, size_t limit = short_limit)
      : world(make_queue(), mode, limit) {}

  explicit world(iocp_queue queue, pipe_mode mode = pipe_mode::message, size_t limit = short_limit)
      : port(std::make_unique<iocp_port>(std::move(queue), 0us)) {
    static int last = 0;
    settings_.mode = mode;
    settings_.receive_limit = limit;
    request = request_for("iocp-" + std::to_string(++last), mode);
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
    for (auto end = clock::now() + patience; events.closed < pipes_.size() && clock::now() < end;)
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

  void stop_listening() {
    port->stop_listening(std::exchange(listener_, 0));
    turn();
    CHECK(events.events.back() == "listener closed");
  }

  pipe_record_ptr adopt(raw_pipe_ptr raw) {
    auto pipe = caf::make_counted<pipe_record>(pipes_.size(), settings_);
    pipes_.push_back(pipe);
    port->adopt(pipe, std::move(raw));
    return pipe;
  }

  /// Takes the next client that was accepted.
  pipe_record_ptr accept() {
    turn_until([&] { return !events.accepted.empty(); });
    auto raw = std::move(events.accepted.front());
    events.accepted.erase(events.accepted.begin());
    return adopt(std::move(raw));
  }

  /// Makes a client that no port has adopted.
  raw_pipe_ptr connect() {
    auto raw = port->connect(request.pipe_name, request.mode);
    for (auto end = clock::now() + patience; !raw && clock::now() < end;) {
      turn(1ms);
      raw = port->connect(request.pipe_name, request.mode);
    }
    REQUIRE(raw);
    return std::move(*raw);
  }

  void turn(clock::duration longest = 0ms) {
    failure = port->turn(clock::now() + longest, events);
  }

  template <class F>
  void turn_until(F done) {
    for (auto end = clock::now() + patience; !done() && clock::now() < end;)
      turn(10ms);
    INFO("reported last: " << (events.events.empty() ? "nothing" : events.events.back()));
    REQUIRE(done());
  }

  std::unique_ptr<completion_port> port;
  listen_request request;
  recorder events;
  /// What the last turn returned.
  caf::error failure;

private:
  pipe_settings settings_;
  listener_id listener_ = 0;
  std::vector<pipe_record_ptr> pipes_;
};

inline HANDLE handle_of(const raw_pipe_ptr& raw) {
  return static_cast<windows_pipe&>(*raw).handle.get();
}

inline size_t count(const strings& events, const std::string& wanted) {
  return static_cast<size_t>(std::count(events.begin(), events.end(), wanted));
}

/// Returns bytes that differ from place to place.
inline std::string bytes(size_t size) {
  constexpr size_t block = 4096;
  std::string result(size, '\0');
  for (size_t index = 0; index < size; ++index)
    result[index] = static_cast<char>(index * 31 + index / block);
  return result;
}

} // namespace iocp_test
