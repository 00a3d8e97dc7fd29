#pragma once

#include "base/pinned_actor.hpp"
#include "bridge/completions.hpp"
#include "port/pipe_record.hpp"

namespace pipeactor::detail {

/// The record of a pipe, with the actor that takes its completions.
class owned_pipe : public port::pipe_record {
public:
  using pipe_record::pipe_record;

  /// Weak: an outstanding operation must not keep a connection alive that has no handle left. Set
  /// before the pipe is adopted, and dropped if the actor ends before its pipe. Bridge thread.
  caf::weak_actor_ptr owner;
};

using owned_pipe_ptr = caf::intrusive_ptr<owned_pipe>;

/// The actor that owns a pipe, as its bridge sees it. The bridge calls these functions directly if
/// the actor is idle; else the completion waits in the mailbox.
class pipe_owner : public pinned_actor {
public:
  pipe_owner(caf::actor_config& cfg, owned_pipe_ptr pipe)
      : pinned_actor(cfg), pipe_(std::move(pipe)) {}

  owned_pipe& pipe() const noexcept {
    return *pipe_;
  }

  // A handler that stopped half-way would leave cookies without an answer, or a connection without
  // its end: if there is no memory for the rest, the program ends.
  virtual void handle(const received& x) noexcept = 0;
  virtual void handle(const sent& x) noexcept = 0;
  virtual void handle(const write_failed& x) noexcept = 0;
  virtual void handle(const read_ended& x) noexcept = 0;
  virtual void handle(const closed& x) noexcept = 0;

  /// Never waits in the mailbox: the end of the context wins over everything.
  virtual void handle(const shutting_down& x) noexcept = 0;

  /// The pipe has received something. Called directly even if the message itself has to wait.
  virtual void control_reading() = 0;

  /// Ends a request of this actor with `caf::sec::request_timeout` after `timeout`, unless the
  /// answer has come.
  virtual void time_out_request(caf::message_id response, caf::timespan timeout) = 0;

  /// Sends a message of this actor's after `delay`, unless it or the receiver has ended by then.
  virtual void send_later(caf::strong_actor_ptr receiver, caf::timespan delay, caf::message content)
    = 0;

private:
  owned_pipe_ptr pipe_;
};

} // namespace pipeactor::detail
