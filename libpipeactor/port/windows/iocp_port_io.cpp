// How the iocp port reads and writes.

#include "base/errors.hpp"
#include "port/windows/iocp_port.hpp"
#include "port/windows/windows_error.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

namespace pipeactor::port {

namespace {

/// What a read offers at first. The system keeps a read's buffer locked in memory, and every pipe
/// has a read under way: the rest of a longer message is read when it is there.
constexpr size_t first_buffer = 4096;
/// Byte mode: a read that filled its buffer makes the next one's longer, up to this.
constexpr size_t longest_buffer = size_t{64} << 10;
/// Byte mode: how much one WriteFile is given. What the reader has not taken yet is in memory that
/// is never paged out.
constexpr size_t longest_piece = size_t{1} << 20;

bool is_end(DWORD code) noexcept {
  return code == ERROR_BROKEN_PIPE || code == ERROR_PIPE_NOT_CONNECTED || code == ERROR_NO_DATA;
}

} // namespace

// -- reading ----------------------------------------------------------------------------------

bool iocp_port::wants_read(const slot& x) noexcept {
  return (x.continuous || x.single_reads > 0) && !x.read_ended && !x.closing;
}

/// Delivers what was read ahead where it is wanted, and reads on.
void iocp_port::serve_reading(slot& x) {
  if (x.read.outstanding || x.read_ended || x.closing)
    return;
  if (!x.bound)
    return end_reading(x, windows_error(x.write_error, "cannot bind a pipe to the port"));
  if (x.holding) {
    if (!wants_read(x))
      return;
    if (x.has_more)
      return begin_join(x);
    x.holding = false;
    deliver(x, payload{detail::copy_received(x.buffer.get(), x.held, x.pipe->settings().account)});
    if (x.closing)
      return;
  }
  begin_read(x);
}

void iocp_port::begin_read(slot& x) {
  auto& settings = x.pipe->settings();
  auto wanted = first_buffer;
  if (settings.mode == pipe_mode::byte) {
    if (x.held == x.buffer_size)
      wanted = std::max(first_buffer, std::min(2 * x.buffer_size, longest_buffer));
    else
      wanted = x.buffer_size;
    wanted = std::min(wanted, settings.receive_limit);
  }
  if (wanted != x.buffer_size) {
    x.buffer.reset(new (std::nothrow) std::byte[wanted]);
    x.buffer_size = x.buffer != nullptr ? wanted : 0;
    if (x.buffer == nullptr)
      return end_reading(x, errors::no_memory_for_message(wanted));
  }
  x.held = 0;
  submit_read(x, x.buffer.get(), x.buffer_size);
}

/// Reads the rest of a long message, right behind what is there of it.
void iocp_port::begin_join(slot& x) {
  auto limit = x.pipe->settings().receive_limit;
  DWORD left = 0;
  if (!PeekNamedPipe(x.handle.get(), nullptr, 0, nullptr, nullptr, &left))
    return read_failed(x, GetLastError());
  auto size = x.held + left;
  if (size > limit)
    return end_reading(x, errors::received_too_large(size, limit));
  std::byte* bytes = nullptr;
  try {
    x.joining = detail::allocate_payload_block(size, bytes);
  } catch (const std::bad_alloc&) {
    return end_reading(x, errors::no_memory_for_message(size));
  }
  std::memcpy(bytes, x.buffer.get(), x.held);
  x.holding = false;
  submit_read(x, bytes + x.held, left);
}

void iocp_port::submit_read(slot& x, std::byte* bytes, size_t size) {
  x.read.overlapped = {};
  x.read.outstanding = true;
  if (ReadFile(x.handle.get(), bytes, static_cast<DWORD>(size), nullptr, &x.read.overlapped))
    return;
  auto code = GetLastError();
  // These come in a packet, whether the system was done at once or not.
  if (code == ERROR_IO_PENDING || code == ERROR_MORE_DATA)
    return;
  x.read.outstanding = false;
  read_failed(x, code);
}

void iocp_port::on_read(slot& x, DWORD size) {
  x.read.outstanding = false;
  if (x.closing)
    return mark_dirty(x);
  DWORD ignored = 0;
  auto whole = GetOverlappedResult(x.handle.get(), &x.read.overlapped, &ignored, FALSE) != FALSE;
  auto code = whole ? DWORD{ERROR_SUCCESS} : GetLastError();
  if (!whole && code != ERROR_MORE_DATA)
    return read_failed(x, code);
  if (x.joining != nullptr)
    return on_joined(x, size, whole);
  auto& settings = x.pipe->settings();
  x.held = size;
  x.has_more = !whole;
  // A stream has no empty messages, but a peer may write one.
  x.holding = size > 0 || settings.mode == pipe_mode::message;
  if (whole && settings.mode == pipe_mode::message && size > settings.receive_limit)
    return end_reading(x, errors::received_too_large(size, settings.receive_limit));
  serve_reading(x);
}

void iocp_port::on_joined(slot& x, DWORD size, bool whole) {
  auto* block = std::exchange(x.joining, nullptr);
  payload data{block};
  if (!whole || x.held + size != block->size)
    return end_reading(x, make_error(errc::os_error, "a message changed while it was read"));
  block->charge(x.pipe->settings().account);
  deliver(x, std::move(data));
  if (!x.closing)
    begin_read(x);
}

void iocp_port::deliver(slot& x, payload data) {
  if (x.single_reads > 0)
    --x.single_reads;
  reported_ = true;
  handler_->on_received(*x.pipe, std::move(data));
}

void iocp_port::read_failed(slot& x, DWORD code) {
  if (!is_end(code))
    return end_reading(x, windows_error(code, "cannot read from a pipe"));
  // Everything that the peer wrote was read before: the system keeps it for us. Writes that
  // still wait for room are what the peer did not read.
  x.reset |= x.crowded;
  end_reading(x, errors::closed_by_peer(x.reset));
}

void iocp_port::end_reading(slot& x, const caf::error& reason) {
  assert(!x.read_ended && !x.closing);
  if (x.joining != nullptr)
    detail::destroy_payload_block(std::exchange(x.joining, nullptr));
  x.holding = false;
  x.read_ended = true;
  reported_ = true;
  set_closing(*x.pipe);
  handler_->on_read_ended(*x.pipe, reason);
}

// -- writing ----------------------------------------------------------------------------------

/// Hands writes to the system, as long as it takes them at once; then one may wait for room,
/// alone. So they cannot overtake each other.
void iocp_port::flush(slot& x) {
  while (x.write_error == 0 && !x.write_waiting && x.num_in_flight < writes_in_flight
         && x.next_write < x.writes.size())
    if (!submit_write(x))
      break;
  if (x.write_error != 0 && x.num_in_flight == 0 && !x.writes.empty())
    fail_writes(x, windows_error(x.write_error, "cannot write to a pipe"));
}

bool iocp_port::submit_write(slot& x) {
  if (x.write_operations == nullptr)
    x.write_operations = std::make_unique<operation[]>(writes_in_flight);
  auto& data = x.writes[x.next_write];
  auto size = data.size() - x.next_offset;
  if (x.pipe->settings().mode == pipe_mode::byte)
    size = std::min(size, longest_piece);
  auto& write = x.write_operations[(x.first_in_flight + x.num_in_flight) % writes_in_flight];
  write = operation{};
  write.owner = &x;
  write.is_write = true;
  write.outstanding = true;
  write.ends_payload = x.next_offset + size == data.size();
  auto done = WriteFile(x.handle.get(), data.data() + x.next_offset, static_cast<DWORD>(size),
                        nullptr, &write.overlapped);
  if (!done) {
    auto code = GetLastError();
    if (code != ERROR_IO_PENDING) {
      // There will be no packet.
      write.outstanding = false;
      x.write_error = code;
      x.reset |= x.crowded && is_end(code);
      return false;
    }
    x.write_waiting = true;
    x.crowded = true;
  }
  ++x.num_in_flight;
  x.next_offset += size;
  if (write.ends_payload) {
    ++x.next_write;
    x.next_offset = 0;
  }
  return true;
}

void iocp_port::on_written(slot& x, const operation& done) {
  // Packets come in the order in which the operations ended, and these in that of their begin.
  assert(&done == &x.write_operations[x.first_in_flight]);
  auto ends_payload = done.ends_payload;
  DWORD ignored = 0;
  auto code = GetOverlappedResult(x.handle.get(), const_cast<OVERLAPPED*>(&done.overlapped),
                                  &ignored, FALSE)
                ? DWORD{ERROR_SUCCESS}
                : GetLastError();
  x.write_operations[x.first_in_flight].outstanding = false;
  x.first_in_flight = (x.first_in_flight + 1) % writes_in_flight;
  --x.num_in_flight;
  // Only the youngest can have been waiting.
  if (x.num_in_flight == 0)
    x.write_waiting = false;
  mark_dirty(x);
  if (code == ERROR_SUCCESS && ends_payload) {
    x.writes.pop_front();
    --x.next_write;
    x.crowded &= !x.writes.empty();
    reported_ = true;
    handler_->on_sent(*x.pipe, 1);
  } else if (code != ERROR_SUCCESS && x.write_error == 0) {
    x.write_error = code;
    x.reset |= x.crowded && is_end(code);
  }
}

void iocp_port::fail_writes(slot& x, const caf::error& reason) {
  auto count = x.writes.size();
  x.writes = {};
  x.next_write = 0;
  x.next_offset = 0;
  reported_ = true;
  handler_->on_write_failed(*x.pipe, count, reason);
}

} // namespace pipeactor::port
