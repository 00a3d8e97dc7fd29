#pragma once

#include "pipeactor/cookie.hpp"
#include "pipeactor/defaults.hpp"
#include "actors/answer_promise.hpp"
#include "actors/connection_record.hpp"
#include "base/ring_queue.hpp"
#include "port/completion_port.hpp"

namespace pipeactor::detail {

/// A read that was asked for.
struct pending_read {
  pipeactor::cookie cookie;
  answer_promise promise;
};

/// The reads of one connection that were asked for and did not end yet, oldest first, and the
/// valve: it is closed while handlers hold too much of what was received, and is opened when they
/// have released half of it. Bridge thread.
class read_queue {
public:
  /// @param continuous whether messages are read that nobody asked for
  read_queue(connection_record& record, bool continuous)
      : record_(record), continuous_(continuous) {}

  bool empty() const noexcept {
    return reads_.empty();
  }

  size_t size() const noexcept {
    return reads_.size();
  }

  void add(pending_read what) {
    reads_.push_back(std::move(what));
  }

  pending_read pop() {
    in_port_ -= in_port_ > 0;
    return reads_.take_front();
  }

  // -- the valve ------------------------------------------------------------------------------

  /// Something was received: returns whether the valve must be closed.
  bool must_pause() noexcept {
    return continuous_ && record_.account->must_pause();
  }

  /// Opens the valve if it may be: starts to read, or passes reads on to the port.
  void resume(port::completion_port& port) {
    if (continuous_) {
      if (!record_.account->must_pause())
        port.start_reading(record_);
      return;
    }
    for (; in_port_ < reads_.size() && may_read_one_more(); ++in_port_)
      port.read_one(record_);
  }

private:
  bool may_read_one_more() noexcept {
    if (in_port_ == 0)
      return !record_.account->must_pause();
    // If there is no room, those that the port has bring us here again.
    return in_port_ < defaults::reads_per_turn && record_.account->has_room_for(in_port_ + 1);
  }

  connection_record& record_;
  ring_queue<pending_read> reads_;
  /// How many of them the port has. 0 while reading is continuous.
  size_t in_port_ = 0;
  bool continuous_;
};

} // namespace pipeactor::detail
