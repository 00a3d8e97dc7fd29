#include "actors/connection_actor.hpp"

#include "pipeactor/error.hpp"
#include "base/caf_0_17/special_messages.hpp"

#include <algorithm>

namespace pipeactor::detail {

void connection_actor::on_received(const payload& data) {
  if (phase_ != phase::connected)
    return;
  ++counters_.messages_received;
  counters_.bytes_received += data.size();
  if (continuously_read_) {
    raise_received({}, data);
    return;
  }
  if (reads_.empty())
    return;
  auto read = std::move(reads_.front());
  reads_.pop_front();
  if (read.promise)
    read.promise->deliver(data);
  raise_received(read.cookie, data);
}

void connection_actor::on_read_ended(const caf::error& reason) {
  if (phase_ != phase::connected)
    return;
  // Reasons are kept in the order in which they come: the first one tells.
  if (!reason_)
    reason_ = reason;
  auto code = code_of(reason);
  if (code != errc::closed_by_peer && code != errc::peer_reset) {
    close(reason);
    return;
  }
  // The peer may have closed its writing half only: what is queued for it, and what the
  // last events make us write, still goes out.
  phase_ = phase::draining;
  await_handler();
  close_if_drained();
  if (phase_ == phase::draining && !pipe_is_closed()) {
    drain_deadline_ = std::min(drain_deadline_,
                               later(bridge_->port()->now(), defaults::drain_timeout));
    call_at(drain_deadline_);
  }
}

void connection_actor::on_sent(size_t count) {
  size_t bytes = 0;
  counters_.messages_sent += count;
  for (auto left = count; left > 0; --left) {
    auto write = writes_.pop();
    bytes += write.size;
    if (write.promise)
      write.promise->deliver(caf::unit);
    if (write.tracker)
      write.tracker->count(true);
    raise_sent(write.cookie);
  }
  counters_.bytes_sent += bytes;
  bridge_->count_sent(count, bytes);
  feed_port();
  close_if_drained();
}

void connection_actor::on_write_failed(size_t count, const caf::error& reason) {
  for (; count > 0; --count) {
    auto write = writes_.pop();
    if (write.promise)
      write.promise->deliver(reason);
    if (write.tracker)
      write.tracker->count(false);
    raise_failed(write.cookie, reason);
  }
  feed_port();
  close_if_drained();
}

void connection_actor::on_closed() {
  if (try_again_later(reason_))
    return;
  finish();
  // An actor that waits for an answer lives on until it comes, and what its session holds
  // on to would hold up the end of the actor system.
  if (session_ && awaits_responses() && bridge_->is_stopping())
    drop_session();
}

void connection_actor::on_timer() {
  auto* port = bridge_->port();
  if (port == nullptr)
    return;
  auto now = port->now();
  if (now >= drain_deadline_) {
    close(reason_ ? reason_ : make_error(errc::closed_by_us));
  } else if (phase_ == phase::opening && now >= try_again_at_) {
    // After a pause it begins anew, else the server was busy.
    try_again_at_ = port::time_point::max();
    try_to_connect();
  }
}

void connection_actor::await_handler() {
  if (!handler_) {
    handler_caught_up_ = true;
  } else if (handler_->node() == home_system().node()) {
    auto self = caf::actor_cast<caf::weak_actor_ptr>(ctrl());
    send_fence(handler_,
               fence{std::shared_ptr<void>{nullptr, [self](void*) {
                                             if (auto strong = caf::actor_cast<caf::actor>(self))
                                               caf::anon_send(strong, handler_caught_up{});
                                           }}});
  } else {
    // A fence can't travel.
    when_caught_up(*this, handler_, [this] {
      handler_caught_up_ = true;
      close_if_drained();
    });
  }
}

void connection_actor::close_if_drained() {
  if (!writes_.empty())
    return;
  if (phase_ == phase::draining && handler_caught_up_)
    close(reason_);
  else if (phase_ == phase::connected && closes_after_drain_)
    close(make_error(errc::closed_by_us));
}

} // namespace pipeactor::detail
