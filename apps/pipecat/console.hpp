#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

/// The tool's surroundings: standard input and output, and the signals that end it. One
/// object, made before any thread is: it takes the signals off all of them.
class console {
public:
  using clock = std::chrono::steady_clock;

  enum class event { input, notified, output_gone, interrupted, timeout };

  /// What `wait` looks at besides the signals and `notify`.
  struct interest {
    bool input = false;
    /// The reader of standard output has gone away. Windows tells by the next write only.
    bool output_end = false;
  };

  console();
  console(const console&) = delete;
  console& operator=(const console&) = delete;
  ~console();

  /// Waits for what comes first. A signal wins over all else.
  event wait(interest what, clock::time_point deadline = clock::time_point::max());

  /// Makes `wait` return `event::notified`. Any thread.
  void notify() noexcept;

  /// Reads what standard input has, after `event::input`.
  /// @returns false at its end
  bool read(std::string& chunk);

  /// Writes all of `text`, and waits where the reader is slow. Any thread.
  /// @returns false where standard output is broken, which `wait` is told of
  bool write(std::string_view text);

  /// Gives up writes that a reader of standard output holds up at `deadline`.
  void stop_writing_at(clock::time_point deadline) noexcept;

  /// Returns whether a `write` has failed.
  bool output_broken() const noexcept {
    return output_broken_.load();
  }

  /// Why `write` failed, as a code of the operating system; 0 where it did not, or where the
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
