// How the simulated port writes.

#include "base/errors.hpp"
#include "port/simulated/simulated_port.hpp"

#include <algorithm>
#include <cerrno>

namespace pipeactor::port {

// -- with the network's mutex held ------------------------------------------------------------

/// Hands queued writes to the network, as far as it has room.
void simulated_port::begin_writing(slot& s) {
  if (s.writes.empty())
    return;
  if (s.writing_is_busy) {
    slots_.mark_dirty(s);
    return;
  }
  auto& to = s.end.out();
  lane writes{s.life, &s.writing_is_busy};
  if (s.write_error
      || (can_write(s) && happens(faults_.failed_sends, detail::mark::fault_failed_send))) {
    break_writing(s);
    return;
  }
  if (to.reader_gone()) {
    detail::pass(detail::mark::write_met_reset);
    set_closing(*s.pipe);
    auto reason = errors::closed_by_peer(s.end.in().was_reset());
    writes.add([this, &s, reason] { fail_writes(s, s.writes.size(), reason); });
    add(std::move(writes));
    return;
  }
  for (; can_write(s); ++s.taken) {
    auto rest = s.writes[s.taken].text().substr(s.front_offset);
    auto room = *network_->room(s.end, rest.size());
    if (s.end.link->mode == pipe_mode::byte && room > 1
        && happens(faults_.short_writes, detail::mark::fault_short_write))
      room = 1 + pick(room - 1);
    to.push(s.end.link->mode, rest.substr(0, room));
    s.front_offset = room < rest.size() ? s.front_offset + room : 0;
    if (s.front_offset > 0)
      break;
  }
  if (s.taken < s.writes.size()) {
    detail::pass(detail::mark::pipe_full);
    slots_.mark_dirty(s);
  }
  if (s.taken > 0)
    writes.add([this, &s, count = s.taken] { report_sent(s, count); });
  add(std::move(writes));
}

/// A write fails for want of memory: nothing goes out after it, or the peer would miss it and not
/// know.
void simulated_port::break_writing(slot& s) {
  if (!s.write_error)
    s.write_error = errors::failed(errc::out_of_resources, "cannot write to a pipe",
                                   pick(2) == 0 ? ENOBUFS : ENOMEM);
  lane writes{s.life, &s.writing_is_busy};
  writes.add([this, &s] {
    set_closing(*s.pipe);
    fail_writes(s, s.writes.size(), s.write_error);
    if (!s.closing())
      end_reading(s, s.write_error, input_state::cut_off);
  });
  add(std::move(writes));
}

bool simulated_port::can_write(const slot& s) const {
  if (s.closing() || s.writing_is_busy || s.taken == s.writes.size())
    return false;
  auto left = s.writes[s.taken].size() - s.front_offset;
  return s.end.out().reader_gone() || network_->room(s.end, left).has_value();
}

// -- without it -------------------------------------------------------------------------------

void simulated_port::report_sent(slot& s, size_t count) {
  auto sent = take_writes(s, count);
  handler_->on_sent(*s.pipe, count);
}

void simulated_port::fail_writes(slot& s, size_t count, const caf::error& reason) {
  if (count == 0)
    return;
  auto failed = take_writes(s, count);
  handler_->on_write_failed(*s.pipe, count, reason);
}

/// Takes the oldest writes out of the queue. They must not be dropped with the mutex held: the last
/// reference of a payload calls its account, which may call wake().
std::vector<payload> simulated_port::take_writes(slot& s, size_t count) {
  std::vector<payload> result;
  std::lock_guard guard{network_->mutex};
  if (count > s.taken)
    s.front_offset = 0; // of one that is dropped
  s.taken -= std::min(s.taken, count);
  for (; count > 0; --count)
    result.push_back(s.writes.take_front());
  return result;
}

} // namespace pipeactor::port
