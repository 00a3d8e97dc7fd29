#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

/// The surroundings of a command: standard input and output, and the signals that end it.
/// Make one object, before any thread: it blocks the signals, and threads inherit that.
class console {
public:
  using clock = std::chrono::steady_clock;

  enum class event { input, notified, output_gone, interrupted, timeout };

  /// What `wait` waits for besides signals and `notify`.
  struct interest {
    bool input = false;
    /// The reader of standard output goes away. Windows reports it by the next write only.
    bool output_end = false;
  };

  console();
  console(const console&) = delete;
  console& operator=(const console&) = delete;
  ~console();

  /// Waits for the first event. A signal wins over all others.
  event wait(interest what, clock::time_point deadline = clock::time_point::max());

  /// Makes `wait` return `event::notified`. Any thread.
  void notify() noexcept;

  /// Reads what standard input has, after `event::input`.
  /// @returns false at its end
  bool read(std::string& chunk);

  /// Writes all of `text`, and waits if the reader is slow. Any thread.
  /// @returns false if standard output is broken; then it also calls `notify`
  bool write(std::string_view text);

  /// Gives up any `write` that the reader of standard output still holds up at `deadline`.
  void stop_writing_at(clock::time_point deadline) noexcept;

  /// Returns whether a `write` has failed.
  bool output_broken() const noexcept {
    return output_broken_.load();
  }

  /// Returns why a `write` failed, as a code of the operating system; 0 if none did, or if the
  /// reader has merely gone away.
  int write_error() const noexcept {
    return write_error_.load();
  }

private:
  struct platform;

  std::shared_ptr<platform> platform_;
  std::mutex output_mutex_;
  std::atomic<clock::rep> write_deadline_;
  std::atomic<bool> output_broken_{false};
  std::atomic<int> write_error_{0};
};
