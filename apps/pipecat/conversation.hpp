#pragma once

#include "console.hpp"

#include <caf/error.hpp>

#include <cstdint>
#include <mutex>

/// How far the exchange with a server is: written by the actor that hears the events, read by
/// the main thread, which sleeps in `console::wait` meanwhile.
class conversation {
public:
  using clock = console::clock;

  struct status {
    bool connected = false;
    bool ended = false;
    /// Why it ended.
    caf::error reason;
    /// Written, but not yet with the operating system.
    size_t unsent = 0;
    size_t unsent_bytes = 0;
    /// Never sent, and the first reason for it.
    size_t lost = 0;
    caf::error loss;
    uint64_t replies = 0;
    /// When something was last sent or received.
    clock::time_point last_sign;

    /// Returns whether more may be written.
    bool has_room() const noexcept;
  };

  /// `expected`: so many replies are worth waking the main thread for.
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
  /// Changes the status, and wakes the main thread where it waits for just that.
  template <class F>
  void change(F f);

  console& terminal_;
  uint64_t expected_;
  mutable std::mutex mutex_;
  status status_;
};
