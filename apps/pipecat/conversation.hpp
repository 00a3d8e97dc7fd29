#pragma once

#include "common/console.hpp"

#include <caf/error.hpp>

#include <cstdint>
#include <mutex>

/// How far the exchange with a server has come. An actor records events; the main thread, which
/// sleeps in `console::wait`, reads the status.
class conversation {
public:
  using clock = console::clock;

  struct status {
    bool connected = false;
    bool ended = false;
    /// Why it ended.
    caf::error reason;
    /// Messages (and their bytes) that were written and are not yet sent.
    size_t unsent = 0;
    size_t unsent_bytes = 0;
    /// Messages that failed, and why the first did.
    size_t lost = 0;
    caf::error loss;
    uint64_t replies = 0;
    /// When something was last sent or received.
    clock::time_point last_sign;

    /// Returns whether more may be written.
    bool has_room() const noexcept;
  };

  /// @param expected number of replies at which the main thread is woken
  conversation(console& terminal, uint64_t expected) : terminal_(terminal), expected_(expected) {}

  status now() const;

  // -- main thread ------------------------------------------------------------------------

  void written(size_t bytes);

  // -- events -----------------------------------------------------------------------------

  void connected();
  void replied(uint64_t count);
  void sent(size_t bytes);
  void failed(size_t bytes, const caf::error& why);
  void ended(const caf::error& reason);

private:
  /// Changes the status, and wakes the main thread if the change is one that it waits for.
  template <class F>
  void change(F f);

  console& terminal_;
  uint64_t expected_;
  mutable std::mutex mutex_;
  status status_;
};
