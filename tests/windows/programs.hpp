#pragma once

// Helpers of the tests of Windows programs: processes, a plain client, deadlines.

#include <windows.h>

#include <chrono>
#include <memory>
#include <string>

namespace programs {

using namespace std::chrono_literals;

/// How long anything may take before it counts as stuck. Wine is slow, and more so at its start.
constexpr auto patience = 60s;

struct handle_closer {
  void operator()(HANDLE handle) const {
    if (handle != INVALID_HANDLE_VALUE)
      CloseHandle(handle);
  }
};

using owned_handle = std::unique_ptr<void, handle_closer>;

/// Returns the name of a pipe that no other test uses.
std::string unique_name();

std::string address_of(const std::string& name);

/// Returns the path of a program that was built beside this one.
std::string program(const std::string& name);

/// The command line of a `pipecat listen` with a pipe's name and further options.
std::string listen(const std::string& name, const std::string& options);

/// The command line of a `pipecat connect`.
std::string connect(const std::string& name, const std::string& options);

/// Returns a text in which a missing or doubled piece shows.
std::string letters(size_t size);

/// Compares texts that are too long to print, and reports where they differ.
bool same(const std::string& text, const std::string& expected);

/// A file of this test that is gone with it.
class temporary_file {
public:
  temporary_file();

  explicit temporary_file(const std::string& text);

  ~temporary_file();

  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;

  const std::string& path() const noexcept {
    return path_;
  }

  std::string text() const;

  /// Opens it for a child process.
  owned_handle open(DWORD access) const;

private:
  std::string path_;
};

enum class input_ends { at_once, later };

/// A program with a file as its standard output.
class process {
public:
  explicit process(std::string command, const std::string& input = {},
                   input_ends end = input_ends::at_once);

  ~process();

  process(const process&) = delete;
  process& operator=(const process&) = delete;

  /// Writes to its standard input.
  void type(const std::string& text);

  /// Ends its standard input.
  void end_input();

  void kill();

  /// Waits for the end.
  /// @returns the exit code, or -1 if it does not end in time
  int wait();

  /// Waits until its output has `text` this many times. Returns false if it ends without, or takes
  /// too long.
  bool prints(const std::string& text, size_t times = 1);

  std::string output() const;

  /// Returns how many handles it has open; under Wine, how many before the first gap.
  size_t handles() const;

  /// Waits until it has at most this many handles open.
  bool has_handles_left(size_t most) const;

private:
  owned_handle input_;
  temporary_file output_;
  owned_handle handle_;
};

/// The client of any tutorial's first page: it blocks, and reads bytes.
class plain_client {
public:
  /// Waits if all instances are taken.
  explicit plain_client(const std::string& name, DWORD access = GENERIC_READ | GENERIC_WRITE);

  /// Writes `text`, even if it is empty.
  bool write(const std::string& text);

  /// Reads `size` bytes, `piece` at a time; fewer at the end.
  std::string read(size_t size, size_t piece);

  /// Reads messages from here on, not bytes.
  bool read_messages();

  /// Reads a message, `piece` at a time; returns "none" at the end.
  std::string read_message(size_t piece);

  void close();

private:
  owned_handle handle_;
};

} // namespace programs
