#pragma once

#include "pipeactor/cookie.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/statistics.hpp"
#include "actors/answer_promise.hpp"
#include "actors/broadcast.hpp"
#include "actors/connection_record.hpp"
#include "base/local_message_types.hpp"
#include "bridge/pipe_owner.hpp"

#include <caf/message_handler.hpp>

#include <exception>

namespace pipeactor::detail {

/// The pipe is connected: begin. `refused` says why the client is not admitted, or nothing.
struct opened {
  caf::error refused;
};

/// A connection's actor, as sessions and the list of a bridge's connections see it.
class connection_base : public pipe_owner {
public:
  using pipe_owner::handle;
  using pipe_owner::pipe_owner;

  connection_record& record() const noexcept {
    return static_cast<connection_record&>(pipe());
  }

  virtual void handle(const opened& x) noexcept = 0;
  virtual void handle(broadcast_write& x) noexcept = 0;

  // -- requests: on the bridge, also out of a session's handler --------------------------------

  virtual void write(payload data, pipeactor::cookie cookie, answer_promise promise = {},
                     broadcast_tracker_ptr tracker = nullptr)
    = 0;
  virtual void read(pipeactor::cookie cookie, answer_promise promise = {}) = 0;
  virtual void close(caf::error reason) = 0;
  /// Answers a request to close, if it is one, when the pipe is closed.
  virtual void answer_when_closed(caf::response_promise promise) = 0;
  virtual void close_after_drain(caf::timespan deadline) = 0;

  /// A handler threw: closes the connection with `errc::handler_failed`.
  /// @returns that error
  caf::error handler_threw(std::exception_ptr thrown) override = 0;

  virtual connection_stats stats() const = 0;

  // -- operations that are asked of an actor that has ended: their cookies come back -----------

protected:
  /// Returns the handlers of the library's requests.
  caf::message_handler requests();

  void take_in(caf::mailbox_element_ptr element) override;
  void never_handled(const caf::mailbox_element& element) override;

  caf::error error_after_end() const override {
    return make_error(errc::not_connected);
  }

private:
  /// Raises the event of such an operation. Any thread.
  virtual void failed_late(const pipeactor::cookie& cookie) const = 0;
};

} // namespace pipeactor::detail
