#pragma once

#include "pipeactor/loop_end.hpp"
#include "base/letters.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace pipeactor::detail {

/// Events that wait for the thread in a message loop. The actors that put them there share the
/// queue, and may live longer than the loop.
///
/// Threads: any thread may call any function at any time. Handlers run on the thread that is in
/// `run`, one at a time and without the lock: they may call every function, and `run` turns them
/// away. `close` needs that no thread is in `run`.
class event_queue {
public:
  using clock = std::chrono::steady_clock;
  using handlers = caf::message_handler;

  /// Appends an event for `whose`, a result of `keep`. After `close` the event is dropped.
  void push(handlers* whose, letter content);

  /// Keeps the handlers of one server or client manager until `close`.
  handlers* keep(handlers value);

  /// Runs the handlers of events until `leave` is called, or until the deadline has passed and
  /// what waited at the call is handled. An exception of a handler leaves this function, and its
  /// event is done.
  loop_end run(std::optional<clock::time_point> deadline);

  /// Ends the `run` under way, or else the next one.
  void leave();

  /// Drops events and handlers, with the connections that they hold, and accepts no more events.
  void close();

private:
  struct event {
    handlers* whose;
    letter content;
  };

  /// Handles the oldest event, without the lock.
  void handle_next(std::unique_lock<std::mutex>& guard);

  std::mutex mutex_;
  std::condition_variable changed_;
  // All below is under the mutex.
  std::deque<event> events_;
  std::vector<std::unique_ptr<handlers>> handlers_;
  bool entered_ = false;
  bool left_ = false;
  bool closed_ = false;
};

} // namespace pipeactor::detail
