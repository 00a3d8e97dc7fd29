#include "actors/pending_operations.hpp"

#include "pipeactor/error.hpp"
#include "actors/internal_messages.hpp"
#include "base/marks.hpp"

namespace pipeactor::detail {

pending_operations::pending_operations(connection_base& connection, event_sink& events,
                                       const connection_options& options, memory_account_ptr memory)
    : connection_(connection), events_(events), writes_(options, std::move(memory)),
      reads_(connection.record(), options.continuously_read) {}

void pending_operations::fail(const pipeactor::cookie& cookie, const caf::error& reason) {
  ++num_failed_;
  events_.failed(cookie, reason);
}

// -- writes -----------------------------------------------------------------------------------

caf::error pending_operations::feed(port::completion_port& port) {
  try {
    while (writes_.has_waiting() && writes_.port_has_room())
      port.write(connection_.record(), writes_.hand_over());
    return caf::none;
  } catch (const std::bad_alloc&) {
    // The port does not have this one: its cookie comes back at the end.
    return make_error(errc::out_of_resources, "there is no memory to write");
  }
}

size_t pending_operations::end_writes(size_t count) {
  size_t bytes = 0;
  for (; count > 0; --count) {
    auto write = writes_.pop();
    bytes += write.size;
    if (write.promise)
      write.promise->deliver(caf::unit);
    if (write.tracker)
      write.tracker->count(true);
    events_.sent(write.cookie);
  }
  return bytes;
}

void pending_operations::fail_writes(size_t count, const caf::error& reason) {
  // A handler may close the connection meanwhile, which ends the rest.
  for (; count > 0 && !writes_.empty(); --count) {
    auto write = writes_.pop();
    if (write.promise)
      write.promise->deliver(reason);
    if (write.tracker)
      write.tracker->count(false);
    fail(write.cookie, reason);
  }
}

pending_write* pending_operations::replace_oldest_write(size_t size) {
  while (writes_.is_full(size) && writes_.has_waiting())
    drop_oldest_write();
  auto* result = writes_.add(size);
  while (result == nullptr && writes_.has_waiting()) {
    drop_oldest_write();
    result = writes_.add(size);
  }
  return result;
}

void pending_operations::drop_oldest_write() {
  auto write = writes_.pop_waiting();
  pass(mark::oldest_write_dropped);
  if (write.tracker)
    write.tracker->count(false);
  refuse(std::move(write.cookie), std::move(write.promise),
         make_error(errc::queue_full, "dropped for a newer message: the peer does not read"));
}

// -- reads ------------------------------------------------------------------------------------

void pending_operations::end_read(const payload& data) {
  if (reads_.empty())
    return;
  auto first = reads_.pop();
  if (first.promise)
    first.promise->deliver(data);
  events_.received(first.cookie, data);
}

void pending_operations::fail_reads(const caf::error& reason) {
  // A handler may ask for more reads meanwhile, which are not of this end, or close the
  // connection, which ends the rest.
  for (auto count = reads_.size(); count > 0 && !reads_.empty(); --count) {
    auto first = reads_.pop();
    if (first.promise)
      first.promise->deliver(reason);
    fail(first.cookie, reason);
  }
}

// -- refused operations -----------------------------------------------------------------------

void pending_operations::refuse(pipeactor::cookie cookie, answer_promise promise,
                                caf::error reason) {
  if (promise)
    promise->deliver(reason);
  if (refused_.empty())
    caf::anon_send(caf::actor{&connection_}, raise_refused_operations{});
  refused_.push_back({std::move(cookie), std::move(reason)});
}

void pending_operations::raise_refused() {
  // A handler that tries again is refused again: that event waits for the next message, so that
  // others of the bridge get their turn first.
  for (auto count = refused_.size(); count > 0 && !refused_.empty(); --count) {
    auto operation = refused_.take_front();
    fail(operation.cookie, operation.reason);
  }
  if (!refused_.empty()) {
    pass(mark::refused_write_tried_again);
    caf::anon_send(caf::actor{&connection_}, raise_refused_operations{});
  }
}

// -- closes -----------------------------------------------------------------------------------

void pending_operations::add_close(caf::response_promise promise, bool is_closed) {
  if (!promise.pending())
    return;
  if (is_closed)
    promise.deliver(caf::unit);
  else
    closes_.push_back(std::move(promise));
}

void pending_operations::end_closes() {
  while (!closes_.empty())
    closes_.take_front().deliver(caf::unit);
}

// -- the end ----------------------------------------------------------------------------------

void pending_operations::abandon() {
  auto aborted = make_error(errc::operation_aborted);
  while (!writes_.empty())
    if (auto write = writes_.pop(); write.promise)
      write.promise->deliver(aborted);
  while (!reads_.empty())
    if (auto first = reads_.pop(); first.promise)
      first.promise->deliver(aborted);
  end_closes();
}

} // namespace pipeactor::detail
