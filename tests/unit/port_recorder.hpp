#pragma once

#include "pipeactor/error.hpp"
#include "port/completion_port.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace port_test {

using namespace pipeactor;
using namespace pipeactor::port;

using strings = std::vector<std::string>;

/// Writes down what a port reports, and calls back.
class recorder : public completion_handler {
public:
  void on_accepted(listener_id, raw_pipe_ptr raw) override {
    accepted.push_back(std::move(raw));
    note(nullptr, "accepted");
  }

  void on_listener_closed(listener_id, const caf::error& reason) override {
    note(nullptr, reason ? "listener failed " + to_string(code_of(reason)) : "listener closed");
  }

  void on_received(pipe_record& pipe, payload data) override {
    ++received;
    if (on_data)
      on_data(pipe, data);
    // Long messages by their length.
    note(&pipe, data.size() < 100 ? "received " + std::string{data.text()}
                                  : "received #" + std::to_string(data.size()));
  }

  void on_read_ended(pipe_record& pipe, const caf::error& reason) override {
    note(&pipe, "ended " + to_string(code_of(reason)));
  }

  void on_sent(pipe_record& pipe, size_t count) override {
    sent += count;
    note(&pipe, "sent " + std::to_string(count));
  }

  void on_write_failed(pipe_record& pipe, size_t count, const caf::error& reason) override {
    failed += count;
    note(&pipe, "failed " + std::to_string(count) + " " + to_string(code_of(reason)));
  }

  void on_closed(pipe_record& pipe) override {
    CHECK(pipe.state() == pipe_state::closed);
    CHECK(pipe.native_handle() == invalid_native_handle);
    CHECK(pipe.slot == pipe_record::no_slot);
    ++closed;
    note(&pipe, "closed");
  }

  /// Returns what was reported since the last call.
  strings take() {
    return std::exchange(events, {});
  }

  strings events;
  std::vector<raw_pipe_ptr> accepted;
  size_t received = 0;
  size_t sent = 0;
  size_t failed = 0;
  size_t closed = 0;
  std::function<void(pipe_record&, const std::string&)> hook;
  std::function<void(pipe_record&, const payload&)> on_data;

protected:
  /// @param pipe nullptr if a listener reports the event
  virtual void note(pipe_record* pipe, const std::string& event) {
    events.push_back(event);
    if (pipe != nullptr && hook)
      hook(*pipe, event);
  }
};

/// Turns `port` without a deadline while a thread wakes it again and again. Hangs if a wake-up is
/// lost.
inline void turn_while_woken(completion_port& port, completion_handler& events) {
  std::atomic<bool> ended{false};
  std::thread waker{[&] {
    while (!ended) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
      port.wake();
    }
  }};
  for (int turn = 0; turn < 20; ++turn)
    port.turn(time_point::max(), events);
  ended = true;
  waker.join();
}

} // namespace port_test
