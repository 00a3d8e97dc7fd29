#pragma once

#include "pipeactor/cookie.hpp"
#include "actors/broadcast.hpp"
#include "actors/event_sink.hpp"
#include "actors/read_queue.hpp"
#include "actors/write_queue.hpp"
#include "base/ring_queue.hpp"

#include <cstdint>
#include <optional>

namespace pipeactor::detail {

/// The operations of one connection that have not ended yet. Each ends once: its requester, if
/// any, gets the answer, and an event brings its cookie back. Bridge thread.
class pending_operations {
public:
  /// @param events raises the events of operations that end; outlives this object
  pending_operations(connection_base& connection, event_sink& events,
                     const connection_options& options, memory_account_ptr memory);

  // -- writes ---------------------------------------------------------------------------------

  write_queue& writes() noexcept {
    return writes_;
  }

  const write_queue& writes() const noexcept {
    return writes_;
  }

  /// Gives the port the writes that wait, as far as it has room.
  /// @returns none, or why the connection cannot go on
  caf::error feed(port::completion_port& port);

  /// Ends the oldest `count` writes as sent.
  /// @returns their bytes
  size_t end_writes(size_t count);

  /// Ends the oldest `count` writes as failed.
  void fail_writes(size_t count, const caf::error& reason);

  /// Adds a write of `size` bytes, to be filled in. With `drop_oldest` it takes the place of
  /// writes that the port does not have.
  /// @returns the write, or nullptr if there is no room
  pending_write* add_write(size_t size) {
    if (!writes_.is_full(size))
      if (auto* result = writes_.add(size))
        return result;
    return writes_.policy() == write_queue_policy::drop_oldest ? replace_oldest_write(size)
                                                               : nullptr;
  }

  // -- reads ----------------------------------------------------------------------------------

  read_queue& reads() noexcept {
    return reads_;
  }

  /// Ends the oldest read with a message, if there is one.
  void end_read(const payload& data);

  /// Ends all reads as failed.
  void fail_reads(const caf::error& reason);

  // -- refused operations ---------------------------------------------------------------------

  /// Fails an operation that was not begun. The event comes later, with `raise_refused`: a session
  /// must not get the event inside its own request.
  void refuse(pipeactor::cookie cookie, answer_promise promise, caf::error reason);

  /// Raises the events of operations that were refused so far.
  void raise_refused();

  bool has_refused() const noexcept {
    return !refused_.empty();
  }

  // -- closes ---------------------------------------------------------------------------------

  /// Keeps the promise of a request to close, if there is one, or answers it if the pipe is closed
  /// already.
  void add_close(caf::response_promise promise, bool is_closed);

  /// Ends all requests to close.
  void end_closes();

  // -- the end --------------------------------------------------------------------------------

  /// Answers all requesters, without an event: the actor ends.
  void abandon();

  uint64_t num_failed() const noexcept {
    return num_failed_;
  }

private:
  struct refused_operation {
    pipeactor::cookie cookie;
    caf::error reason;
  };

  pending_write* replace_oldest_write(size_t size);
  /// Drops the oldest write that the port does not have.
  void drop_oldest_write();
  void fail(const pipeactor::cookie& cookie, const caf::error& reason);

  connection_base& connection_;
  event_sink& events_;
  write_queue writes_;
  read_queue reads_;
  ring_queue<refused_operation> refused_;
  ring_queue<caf::response_promise> closes_;
  uint64_t num_failed_ = 0;
};

} // namespace pipeactor::detail
