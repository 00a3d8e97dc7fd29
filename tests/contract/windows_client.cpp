// The client over a plain named pipe of Windows.

#include "contract/test_client.hpp"
#include "wine.hpp"

#include <windows.h>

#include <catch2/catch.hpp>

#include <algorithm>

namespace contract {

namespace {

class owned_handle {
public:
  explicit owned_handle(HANDLE handle) : handle_(handle) {}
  owned_handle(const owned_handle&) = delete;
  owned_handle& operator=(const owned_handle&) = delete;

  ~owned_handle() {
    close();
  }

  HANDLE get() const {
    return handle_;
  }

  void close() {
    if (handle_ != nullptr)
      CloseHandle(std::exchange(handle_, nullptr));
  }

private:
  HANDLE handle_;
};

/// One read or write that may be under way.
class overlapped_call {
public:
  /// @param port gets a packet when the call ends, and no others; nullptr: an event is set instead
  explicit overlapped_call(HANDLE port = nullptr) : port_(port) {}

  /// Begins with `call(OVERLAPPED*)`. Returns false if that fails at once.
  template <class F>
  bool begin(F call) {
    overlapped_ = {};
    done_ = false;
    // The lowest bit keeps it away from the completion port (GetQueuedCompletionStatus).
    if (port_ == nullptr)
      overlapped_.hEvent = reinterpret_cast<HANDLE>(reinterpret_cast<ULONG_PTR>(event_.get()) | 1);
    if (call(&overlapped_) || GetLastError() == ERROR_IO_PENDING
        || GetLastError() == ERROR_MORE_DATA)
      pending_ = true;
    return pending_;
  }

  bool pending() const {
    return pending_;
  }

  /// Waits for its end.
  bool wait(wait_time timeout) {
    auto most = static_cast<DWORD>(std::max<wait_time>(timeout, 0ms).count());
    if (port_ == nullptr)
      return WaitForSingleObject(event_.get(), most) == WAIT_OBJECT_0;
    DWORD size = 0;
    ULONG_PTR key = 0;
    OVERLAPPED* ended = nullptr;
    if (!done_)
      GetQueuedCompletionStatus(port_, &size, &key, &ended, most);
    done_ |= ended != nullptr;
    return done_;
  }

  /// Takes the result, after its end.
  DWORD finish(HANDLE handle, DWORD& size) {
    pending_ = false;
    return GetOverlappedResult(handle, &overlapped_, &size, FALSE) ? ERROR_SUCCESS : GetLastError();
  }

  void cancel(HANDLE handle) {
    if (!pending_)
      return;
    DWORD size = 0;
    CancelIoEx(handle, &overlapped_);
    wait(patience);
    finish(handle, size);
  }

private:
  HANDLE port_;
  owned_handle event_{CreateEventW(nullptr, TRUE, FALSE, nullptr)};
  OVERLAPPED overlapped_ = {};
  bool pending_ = false;
  bool done_ = false;
};

class windows_client final : public test_client {
public:
  explicit windows_client(HANDLE handle) : handle_(handle) {
    // Without a port the system would cancel a write when the thread that began it ends; so does
    // Wine if the port gets no packet for the write.
    CreateIoCompletionPort(handle, port_.get(), 0, 0);
  }

  ~windows_client() override {
    drop();
  }

  send_result try_send(std::string_view bytes, size_t& taken) override {
    taken = 0;
    if (!wait_writable(bytes.size(), 0ms))
      return send_result::would_block;
    if (gone_)
      return send_result::closed;
    // One write may wait for room; it is as good as sent, as with a blocking client.
    sending_.assign(bytes);
    auto begun = write_.begin([this](OVERLAPPED* overlapped) {
      return WriteFile(handle_.get(), sending_.data(), static_cast<DWORD>(sending_.size()), nullptr,
                       overlapped);
    });
    if (!begun)
      return send_result::closed;
    taken = bytes.size();
    return send_result::sent;
  }

  bool wait_writable(size_t, wait_time timeout) override {
    if (!write_.pending())
      return true;
    if (!write_.wait(timeout))
      return false;
    DWORD size = 0;
    gone_ = write_.finish(handle_.get(), size) != ERROR_SUCCESS;
    return true;
  }

  bool wait_readable(wait_time timeout) override {
    auto deadline = std::chrono::steady_clock::now() + timeout;
    while (!received_ && !ended_) {
      if (!read_.pending() && !begin_read())
        break;
      auto left = deadline - std::chrono::steady_clock::now();
      if (!read_.wait(std::chrono::ceil<wait_time>(left)))
        return false;
      DWORD size = 0;
      auto code = read_.finish(handle_.get(), size);
      ended_ = code != ERROR_SUCCESS && code != ERROR_MORE_DATA;
      message_.append(buffer_, size);
      received_ = code == ERROR_SUCCESS;
    }
    return true;
  }

  std::optional<std::string> receive(wait_time timeout) override {
    if (!wait_readable(timeout) || ended_)
      return std::nullopt;
    received_ = false;
    return std::exchange(message_, {});
  }

  bool at_end(wait_time timeout) override {
    return wait_readable(timeout) && ended_;
  }

  bool was_reset() override {
    return false; // the system does not tell
  }

  void shutdown_write() override {
    FAIL("a named pipe of Windows has no half-close");
  }

  void close() override {
    while (receive(0ms)) {
    }
    wait_writable(0, patience);
    drop();
  }

  void abort() override {
    wait_readable(patience);
    drop();
  }

private:
  bool begin_read() {
    auto begun = read_.begin([this](OVERLAPPED* overlapped) {
      return ReadFile(handle_.get(), buffer_, sizeof(buffer_), nullptr, overlapped);
    });
    ended_ = !begun;
    return begun;
  }

  void drop() {
    if (handle_.get() == nullptr)
      return;
    read_.cancel(handle_.get());
    write_.cancel(handle_.get());
    handle_.close();
  }

  owned_handle handle_;
  owned_handle port_{CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1)};
  overlapped_call read_;
  overlapped_call write_{port_.get()};
  std::string sending_;
  std::string message_;
  char buffer_[65536];
  bool received_ = false;
  bool ended_ = false;
  bool gone_ = false;
};

} // namespace

client_ptr connect_to(const std::string& address, pipe_mode mode) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto handle = CreateFileA(address.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr,
                              OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr);
    if (handle != INVALID_HANDLE_VALUE) {
      DWORD reads_messages = PIPE_READMODE_MESSAGE;
      if (mode == pipe_mode::message)
        SetNamedPipeHandleState(handle, &reads_messages, nullptr, nullptr);
      return std::make_shared<windows_client>(handle);
    }
    if (GetLastError() != ERROR_PIPE_BUSY || std::chrono::steady_clock::now() > deadline)
      return nullptr;
    WaitNamedPipeA(address.c_str(), 1000);
  }
}

std::vector<port_kind> ports_of_this_system() {
  return {port_kind::iocp, port_kind::simulated};
}

size_t open_handles() {
  DWORD count = 0;
  if (GetProcessHandleCount(GetCurrentProcess(), &count) && count > 0)
    return count;
  // Wine does not count them. Handles are multiples of 4, and small ones are given out first.
  for (ULONG_PTR value = 4; value < 0x4000; value += 4) {
    DWORD flags = 0;
    count += GetHandleInformation(reinterpret_cast<HANDLE>(value), &flags) != FALSE;
  }
  return count;
}

const size_t handles_that_come = 32;

bool runs_under_wine() {
  return test::runs_under_wine();
}

} // namespace contract
