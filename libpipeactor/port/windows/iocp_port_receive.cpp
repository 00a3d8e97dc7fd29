// How the iocp port reads.

#include "base/errors.hpp"
#include "port/windows/iocp_port.hpp"
#include "port/windows/windows_error.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

namespace pipeactor::port {

namespace {

/// How many bytes a read offers at first. The system keeps a read's buffer locked in memory, and
/// every pipe has a read under way: the rest of a longer message is read when it is there.
constexpr size_t first_buffer = 4096;
/// Byte mode: a read that fills its buffer doubles the next one's, up to this.
constexpr size_t longest_buffer = size_t{64} << 10;

} // namespace

/// Delivers input that was read ahead, if it is wanted, and reads on.
void iocp_port::begin_reading(slot& s) {
  // A handler may have closed it meanwhile.
  if (s.closing() || s.reading_ended())
    return;
  switch (s.reading) {
  case read_state::reading:
  case read_state::joining:
    return;
  case read_state::holding_beginning:
    if (s.wants_read())
      join(s);
    return;
  case read_state::holding: {
    if (!s.wants_read())
      return;
    s.reading = read_state::idle;
    deliver(s, payload{detail::copy_received(s.buffer.get(), s.held, s.pipe->settings().account)});
    if (s.closing())
      return;
    break;
  }
  case read_state::idle:
    break;
  }
  read_ahead(s);
}

void iocp_port::read_ahead(slot& s) {
  if (!make_buffer(s))
    return end_reading(s, errors::no_memory_for_message(first_buffer));
  s.held = 0;
  submit_read(s, read_state::reading, s.buffer.get(), s.buffer_size);
}

/// @returns false if there is no memory for it
bool iocp_port::make_buffer(slot& s) {
  auto& settings = s.pipe->settings();
  auto wanted = first_buffer;
  if (settings.mode == pipe_mode::byte) {
    auto was_filled = s.held == s.buffer_size;
    wanted = was_filled ? std::clamp(2 * s.buffer_size, first_buffer, longest_buffer)
                        : s.buffer_size;
    wanted = std::min(wanted, settings.receive_limit);
  }
  if (wanted == s.buffer_size)
    return true;
  s.buffer.reset(new (std::nothrow) std::byte[wanted]);
  s.buffer_size = s.buffer != nullptr ? wanted : 0;
  return s.buffer != nullptr;
}

/// Reads the rest of a long message, right behind what is there of it.
void iocp_port::join(slot& s) {
  auto limit = s.pipe->settings().receive_limit;
  DWORD left = 0;
  if (!PeekNamedPipe(s.handle.get(), nullptr, 0, nullptr, nullptr, &left))
    return read_failed(s, GetLastError());
  auto size = s.held + left;
  if (size > limit)
    return end_reading(s, errors::received_too_large(size, limit));
  std::byte* bytes = nullptr;
  try {
    s.joined.reset(detail::allocate_payload_block(size, bytes));
  } catch (const std::bad_alloc&) {
    return end_reading(s, errors::no_memory_for_message(size));
  }
  std::memcpy(bytes, s.buffer.get(), s.held);
  submit_read(s, read_state::joining, bytes + s.held, left);
}

void iocp_port::submit_read(slot& s, read_state what, std::byte* bytes, size_t size) {
  // A buffer has `longest_buffer` bytes at most, and a rest is counted by a DWORD.
  assert(size <= MAXDWORD);
  s.read.overlapped = {};
  s.reading = what;
  if (ReadFile(s.handle.get(), bytes, static_cast<DWORD>(size), nullptr, &s.read.overlapped))
    return;
  auto code = GetLastError();
  // These come in a packet, whether the system was done at once or not.
  if (code == ERROR_IO_PENDING || code == ERROR_MORE_DATA)
    return;
  s.reading = read_state::idle;
  read_failed(s, code);
}

void iocp_port::on_read(slot& s, DWORD size) {
  auto was_joining = std::exchange(s.reading, read_state::idle) == read_state::joining;
  if (s.closing() || s.reading_ended())
    return slots_.mark_dirty(s);
  DWORD ignored = 0;
  auto whole = GetOverlappedResult(s.handle.get(), &s.read.overlapped, &ignored, FALSE) != FALSE;
  if (auto code = GetLastError(); !whole && code != ERROR_MORE_DATA)
    return read_failed(s, code);
  if (was_joining)
    return on_joined(s, size, whole);
  auto& settings = s.pipe->settings();
  if (whole && settings.mode == pipe_mode::message && size > settings.receive_limit)
    return end_reading(s, errors::received_too_large(size, settings.receive_limit));
  s.held = size;
  if (!whole)
    s.reading = read_state::holding_beginning;
  // A stream has no empty messages, but a peer may write one.
  else if (size > 0 || settings.mode == pipe_mode::message)
    s.reading = read_state::holding;
  begin_reading(s);
}

void iocp_port::on_joined(slot& s, DWORD size, bool whole) {
  if (!whole || s.held + size != s.joined->size)
    return end_reading(s, make_error(errc::os_error, "a message changed while it was read"));
  s.joined->charge(s.pipe->settings().account);
  deliver(s, payload{s.joined.release()});
  if (!s.closing())
    read_ahead(s);
}

void iocp_port::read_failed(slot& s, DWORD code) {
  s.joined.reset();
  if (!is_end_of_pipe(code))
    return end_reading(s, windows_error(code, "cannot read from a pipe"));
  // The system keeps what the peer wrote until we have read it, so nothing is left. But the peer
  // did not read the writes that still wait for room.
  s.reset |= s.crowded;
  end_of_input(s);
}

} // namespace pipeactor::port
