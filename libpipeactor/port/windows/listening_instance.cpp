#include "port/windows/listening_instance.hpp"

#include "port/windows/windows_error.hpp"

#include <cassert>

namespace pipeactor::port {

listening_instance::listening_instance(unique_handle pipe, const iocp_queue& queue, ULONG_PTR key,
                                       ULONG_PTR number)
    : pipe_(std::move(pipe)), queue_(queue), key_(key), number_(number) {}

listening_instance::~listening_instance() {
  stop_waiting();
  if (!connecting_)
    return;
  // Fails if the operation is over already. However it ended, the system must be done with
  // overlapped_.
  CancelIoEx(pipe_.get(), &overlapped_);
  DWORD size = 0;
  GetOverlappedResult(pipe_.get(), &overlapped_, &size, TRUE);
}

caf::error listening_instance::listen() {
  event_ = unique_handle{CreateEventW(nullptr, TRUE, FALSE, nullptr)};
  if (!event_)
    return windows_error(GetLastError(), "cannot make an event");
  overlapped_.hEvent = event_.get();
  auto done = ConnectNamedPipe(pipe_.get(), &overlapped_);
  auto code = done ? ERROR_PIPE_CONNECTED : GetLastError();
  switch (code) {
  case ERROR_IO_PENDING:
    connecting_ = true;
    // on_event returns at once, so it needs no thread of its own.
    if (!RegisterWaitForSingleObject(&wait_, event_.get(), on_event, this, INFINITE,
                                     WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD))
      return windows_error(GetLastError(), "cannot wait for clients");
    return caf::none;
  case ERROR_PIPE_CONNECTED:
    // The client was quicker.
  case ERROR_NO_DATA:
    // It has even left already. What it wrote can still be read.
    post();
    return caf::none;
  default:
    return windows_error(code, "cannot wait for clients");
  }
}

caf::expected<unique_handle> listening_instance::take() {
  stop_waiting();
  DWORD size = 0;
  if (std::exchange(connecting_, false)
      && !GetOverlappedResult(pipe_.get(), &overlapped_, &size, TRUE)) {
    auto code = GetLastError();
    if (code != ERROR_PIPE_CONNECTED && code != ERROR_NO_DATA)
      return windows_error(code, "waiting for clients failed");
  }
  return std::move(pipe_);
}

void CALLBACK listening_instance::on_event(void* self, BOOLEAN) {
  static_cast<listening_instance*>(self)->post();
}

void listening_instance::post() noexcept {
  queue_.post(key_, number_);
}

void listening_instance::stop_waiting() noexcept {
  if (wait_ == nullptr)
    return;
  // Returns when on_event is not running and never will.
  [[maybe_unused]] auto stopped = UnregisterWaitEx(std::exchange(wait_, nullptr),
                                                   INVALID_HANDLE_VALUE);
  assert(stopped);
}

} // namespace pipeactor::port
