#include "actors/connection_actor.hpp"

#include "pipeactor/error.hpp"

namespace pipeactor::detail {

void connection_actor::on_open_pipe(const open_pipe& request) {
  auto* port = bridge_->port();
  if (port == nullptr || phase_ != phase::opening)
    return;
  bridge_->enroll(record_);
  dialer_ = std::make_unique<dialer>(request.pipe_name, request.timeout, request.reconnect,
                                     request.trusted);
  dialer_->begin(port->now());
  try_to_connect();
}

void connection_actor::try_to_connect() {
  auto* port = bridge_->port();
  auto raw = dialer_->dial(*port, record_->settings().mode);
  if (raw) {
    dialer_->connected();
    phase_ = phase::connected;
    record_->was_connected = true;
    port->adopt(record_, std::move(*raw));
    feed_port();
    for (auto count = reads_.size(); count > 0; --count)
      port->read_one(*record_);
    on_opened({});
    return;
  }
  // Servers have no bell to ring when an instance is free: ask again, ever more seldom.
  if (code_of(raw.error()) == errc::pipe_busy) {
    if (auto when = dialer_->ask_again(port->now())) {
      try_again_at_ = *when;
      call_at(*when);
      return;
    }
  }
  if (!try_again_later(raw.error()))
    close(raw.error());
}

void connection_actor::on_opened(const caf::error& refused) {
  if (refused) {
    close(refused);
    return;
  }
  // A session that could not be made has closed the pipe already, and hears nothing.
  if (code_of(reason_) == errc::handler_failed)
    return;
  // Who had the handle before this may have asked to close: that is heard of after it.
  if (phase_ == phase::connected && continuously_read_ && !pipe_is_closed())
    bridge_->port()->start_reading(*record_);
  raise_connected();
  close_if_drained();
}

bool connection_actor::try_again_later(caf::error reason) {
  auto* port = bridge_->port();
  if (dialer_ == nullptr || port == nullptr || exit_reason_ || closes_after_drain_)
    return false;
  auto delay = dialer_->next_attempt(reason);
  if (!delay)
    return false;
  if (phase_ != phase::opening) {
    reopen(reason);
    if (phase_ != phase::opening)
      return true;
  }
  try_again_at_ = later(port->now(), *delay);
  call_at(try_again_at_);
  raise_reconnecting(reason, *delay);
  return true;
}

/// The pipe is closed, and the connection begins anew. What failed is told now, and whoever
/// hears of it may close the connection.
void connection_actor::reopen(const caf::error& lost) {
  phase_ = phase::opening;
  reason_ = {};
  handler_caught_up_ = false;
  drain_deadline_ = port::time_point::max();
  port::completion_port::reopen(*record_);
  bridge_->enroll(record_);
  raise_refused_operations();
  fail_reads(lost);
  while (phase_ == phase::opening && dialer_->writes() == offline_writes::fail && !writes_.empty())
    on_write_failed(1, lost);
}

} // namespace pipeactor::detail
