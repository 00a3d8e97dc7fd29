// How the iocp port writes.

#include "port/windows/iocp_port.hpp"
#include "port/windows/windows_error.hpp"

#include <algorithm>
#include <cassert>

namespace pipeactor::port {

namespace {

/// Byte mode: how many bytes one WriteFile is given. What the reader has not taken yet is in
/// memory that is never paged out.
constexpr size_t longest_piece = size_t{1} << 20;

} // namespace

/// Hands writes to the system as long as it takes them at once; then one may wait for room, alone.
void iocp_port::begin_writing(slot& s) {
  if (s.closing())
    return;
  while (s.writing == write_state::flowing && s.num_in_flight < slot::writes_in_flight
         && s.next_write < s.writes.size())
    if (!submit_write(s))
      break;
  if (s.writing == write_state::failed && s.num_in_flight == 0) {
    s.next_write = 0;
    s.next_offset = 0;
    auto reason = windows_error(s.write_error, "cannot write to a pipe");
    fail_writes(s, s.writes.size(), reason);
    // What a peer wrote before it left can still be read.
    if (!is_end_of_pipe(s.write_error) && !s.closing() && !s.reading_ended())
      end_reading(s, reason);
  }
}

/// @returns false if the write failed
bool iocp_port::submit_write(slot& s) {
  if (s.write_operations == nullptr)
    s.write_operations = std::make_unique<operation[]>(slot::writes_in_flight);
  auto& data = s.writes[s.next_write];
  auto left = data.size() - s.next_offset;
  auto is_byte_mode = s.pipe->settings().mode == pipe_mode::byte;
  auto size = is_byte_mode ? std::min(left, longest_piece) : left;
  // Longer messages break the contract of write().
  assert(size <= std::max(longest_piece, longest_windows_message));
  auto& write = s.write_operations[(s.first_in_flight + s.num_in_flight) % slot::writes_in_flight];
  write = operation{};
  write.owner = &s;
  write.what = size == left ? operation::type::write_end : operation::type::write_piece;
  if (!WriteFile(s.handle.get(), data.data() + s.next_offset, static_cast<DWORD>(size), nullptr,
                 &write.overlapped)) {
    auto code = GetLastError();
    if (code != ERROR_IO_PENDING) {
      // There will be no packet.
      write_failed(s, code);
      return false;
    }
    s.writing = write_state::waiting;
    s.crowded = true;
  }
  ++s.num_in_flight;
  s.next_offset += size;
  if (size == left) {
    ++s.next_write;
    s.next_offset = 0;
  }
  return true;
}

void iocp_port::on_written(slot& s, const operation& done) {
  // Packets come in the order in which operations ended, and writes end as they began.
  assert(&done == &s.write_operations[s.first_in_flight]);
  auto ends_payload = done.what == operation::type::write_end;
  DWORD ignored = 0;
  auto overlapped = const_cast<OVERLAPPED*>(&done.overlapped);
  auto code = GetOverlappedResult(s.handle.get(), overlapped, &ignored, FALSE) ? ERROR_SUCCESS
                                                                               : GetLastError();
  s.first_in_flight = (s.first_in_flight + 1) % slot::writes_in_flight;
  --s.num_in_flight;
  slots_.mark_dirty(s);
  if (code != ERROR_SUCCESS)
    return write_failed(s, code);
  // Only the youngest can have been waiting.
  if (s.num_in_flight == 0 && s.writing == write_state::waiting)
    s.writing = write_state::flowing;
  if (!ends_payload)
    return;
  --s.next_write;
  s.crowded &= s.writes.size() > 1;
  report_sent(s, 1);
}

void iocp_port::write_failed(slot& s, DWORD code) {
  if (s.writing == write_state::failed)
    return;
  s.writing = write_state::failed;
  set_closing(*s.pipe);
  s.reset |= s.crowded && is_end_of_pipe(code);
  s.write_error = code;
}

} // namespace pipeactor::port
