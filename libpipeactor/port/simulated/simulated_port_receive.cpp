// How the simulated port reads.

#include "base/errors.hpp"
#include "port/simulated/simulated_port.hpp"

#include <algorithm>
#include <cerrno>

namespace pipeactor::port {

// -- with the network's mutex held ------------------------------------------------------------

/// Takes available input from the network.
void simulated_port::begin_reading(slot& s) {
  lane reads{s.life, &s.reading_is_busy};
  auto& from = s.end.in();
  auto& settings = s.pipe->settings();
  if (has_dropped(s))
    set_closing(*s.pipe);
  if (can_read(s) && !from.empty()
      && happens(faults_.failed_receives, detail::mark::fault_failed_receive)) {
    auto reason = pick(2) == 0
                    ? errors::failed(errc::out_of_resources, "cannot read from a pipe", ENOMEM)
                    : errors::failed(errc::os_error, "cannot read from a pipe", EIO);
    reads.add([this, &s, reason] { end_reading(s, reason, input_state::cut_off); });
    add(std::move(reads));
    return;
  }
  for (size_t count = 0; count < defaults::reads_per_turn && can_read(s); ++count) {
    if (from.empty()) {
      s.reset = from.was_reset();
      reads.add([this, &s] { end_of_input(s); });
      break;
    }
    auto limit = settings.receive_limit;
    auto size = from.front_size();
    if (settings.mode == pipe_mode::message && size > limit) {
      auto reason = errors::received_too_large(size, limit);
      reads.add([this, &s, reason] { end_reading(s, reason, input_state::cut_off); });
      break;
    }
    if (settings.mode == pipe_mode::byte && network_->options.split_reads)
      limit = 1 + pick(std::min(size, limit));
    auto bytes = from.pop(settings.mode, limit);
    s.count_read();
    reads.add([this, &s,
               data = payload{detail::copy_received(bytes.data(), bytes.size(),
                                                    settings.account)}] { deliver(s, data); });
  }
  add(std::move(reads));
}

/// The end is seen as soon as nothing unread is before it, even while reading is paused.
bool simulated_port::can_read(const slot& s) const noexcept {
  if (s.closing() || s.reading_ended() || s.reading_is_busy)
    return false;
  return s.end.in().empty() ? s.end.in().writer_ended() : s.wants_read();
}

/// Returns whether the peer has left, and nobody knows of it yet.
bool simulated_port::has_dropped(const slot& s) const noexcept {
  return s.end.in().writer_ended() && s.pipe->state() == pipe_state::connected;
}

// -- without it -------------------------------------------------------------------------------

void simulated_port::deliver(slot& s, payload data) {
  if (s.reading_ended())
    return; // a write failed meanwhile
  handler_->on_received(*s.pipe, std::move(data));
}

/// Everything that the peer wrote was delivered.
void simulated_port::end_of_input(slot& s) {
  end_reading(s, errors::closed_by_peer(s.reset), input_state::read_out);
}

void simulated_port::end_reading(slot& s, const caf::error& reason, input_state state) {
  if (s.reading_ended())
    return;
  {
    std::lock_guard guard{network_->mutex};
    s.input = state;
  }
  set_closing(*s.pipe);
  handler_->on_read_ended(*s.pipe, reason);
}

} // namespace pipeactor::port
