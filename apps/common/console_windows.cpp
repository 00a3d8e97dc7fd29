#include "common/console.hpp"

#include <windows.h>

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <system_error>
#include <thread>
#include <utility>

namespace {

using namespace std::chrono_literals;

constexpr DWORD input_chunk = 65536;

HANDLE make_event(bool manual) {
  auto result = CreateEventW(nullptr, manual, FALSE, nullptr);
  if (result == nullptr)
    throw std::system_error(static_cast<int>(GetLastError()), std::system_category(),
                            "cannot make an event");
  return result;
}

/// Set by Ctrl-C and the like. Never closed: the system calls `on_control` on a thread of its own.
HANDLE interrupted = nullptr;

BOOL WINAPI on_control(DWORD) {
  SetEvent(interrupted);
  return TRUE;
}

DWORD milliseconds_until(console::clock::time_point deadline) {
  if (deadline == console::clock::time_point::max())
    return INFINITE;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - console::clock::now());
  return static_cast<DWORD>(std::clamp<int64_t>(left.count(), 0, INFINITE - 1));
}

} // namespace

/// Reads and writes block, whatever kind the handles are, so two threads make them. Only the
/// other end can end such a call: when the program ends, the threads may still be in one. They
/// share this object, which is why a shared pointer owns it.
struct console::platform {
  // -- input: the reader has a chunk ready, or reads one ------------------------------------------

  HANDLE notified = make_event(false);
  HANDLE input_ready = make_event(true);
  std::mutex mutex;
  std::condition_variable changed;
  bool reading = false;
  bool wants_input = false;
  std::string input;
  bool input_ended = false;

  // -- output: the writer has a text to write, or waits ---------------------------------------

  bool writing = false;
  std::string output;
  bool output_pending = false;
  DWORD output_error = 0;

  void read_input() {
    for (;;) {
      {
        std::unique_lock guard{mutex};
        changed.wait(guard, [this] { return wants_input; });
      }
      std::string chunk(input_chunk, '\0');
      DWORD size = 0;
      auto ok = ReadFile(GetStdHandle(STD_INPUT_HANDLE), chunk.data(), input_chunk, &size, nullptr);
      chunk.resize(ok ? size : 0);
      std::lock_guard guard{mutex};
      input = std::move(chunk);
      wants_input = false;
      input_ended = input.empty();
      SetEvent(input_ready);
      if (input_ended)
        return;
    }
  }

  void write_output() {
    std::unique_lock guard{mutex};
    for (;;) {
      changed.wait(guard, [this] { return output_pending; });
      auto text = std::string_view{output};
      DWORD error = 0;
      guard.unlock();
      while (!text.empty() && error == 0) {
        DWORD size = 0;
        auto most = static_cast<DWORD>(std::min<size_t>(text.size(), 1 << 20));
        if (WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), text.data(), most, &size, nullptr))
          text.remove_prefix(size);
        else
          error = GetLastError();
      }
      guard.lock();
      output_error = error;
      output_pending = false;
      changed.notify_all();
    }
  }
};

console::console()
    : platform_(std::make_shared<platform>()),
      write_deadline_(clock::time_point::max().time_since_epoch().count()) {
  interrupted = make_event(true);
  SetConsoleCtrlHandler(on_control, TRUE);
}

console::~console() = default;

console::event console::wait(interest what, clock::time_point deadline) {
  auto& state = *platform_;
  if (what.input) {
    std::lock_guard guard{state.mutex};
    if (!std::exchange(state.reading, true))
      std::thread{[state = platform_] { state->read_input(); }}.detach();
    if (state.input.empty() && !state.input_ended) {
      state.wants_input = true;
      state.changed.notify_all();
    }
  }
  // If several are set, the first wins.
  HANDLE handles[] = {interrupted, state.notified, state.input_ready};
  auto count = static_cast<DWORD>(what.input ? std::size(handles) : std::size(handles) - 1);
  switch (WaitForMultipleObjects(count, handles, FALSE, milliseconds_until(deadline))) {
  case WAIT_OBJECT_0:
    return event::interrupted;
  case WAIT_OBJECT_0 + 1:
    return event::notified;
  case WAIT_OBJECT_0 + 2:
    return event::input;
  default:
    return event::timeout;
  }
}

void console::notify() noexcept {
  SetEvent(platform_->notified);
}

bool console::read(std::string& chunk) {
  auto& state = *platform_;
  std::lock_guard guard{state.mutex};
  chunk = std::exchange(state.input, {});
  if (!state.input_ended)
    ResetEvent(state.input_ready);
  return !chunk.empty();
}

bool console::write(std::string_view text) {
  std::lock_guard output_guard{output_mutex_};
  auto& state = *platform_;
  std::unique_lock guard{state.mutex};
  if (output_broken_.load() || text.empty())
    return text.empty();
  if (!std::exchange(state.writing, true))
    std::thread{[state = platform_] { state->write_output(); }}.detach();
  state.output = text;
  state.output_pending = true;
  state.changed.notify_all();
  while (state.output_pending) {
    if (clock::now().time_since_epoch().count() >= write_deadline_.load()) {
      output_broken_.store(true);
      return false;
    }
    state.changed.wait_for(guard, 100ms);
  }
  if (state.output_error == 0)
    return true;
  // It is no error that the reader has gone away.
  auto gone = state.output_error == ERROR_NO_DATA || state.output_error == ERROR_BROKEN_PIPE;
  write_error_.store(gone ? 0 : static_cast<int>(state.output_error));
  output_broken_.store(true);
  notify();
  return false;
}

void console::stop_writing_at(clock::time_point deadline) noexcept {
  write_deadline_.store(deadline.time_since_epoch().count());
}
