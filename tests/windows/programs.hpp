#pragma once

// What the tests of Windows programs share: processes, a plain client, deadlines.

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

/// Compares texts that are too long to print; tells where they differ.
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
  /// @returns the exit code, -1 where it does not come
  int wait();

  /// Waits until its output has `text`, so many times. Returns false where it ends without, or
  /// takes too long.
  bool prints(const std::string& text, size_t times = 1);

  std::string output() const;

  /// Returns how many handles it has open; under Wine, how many before the first gap.
  size_t handles() const;

  /// Waits until it has no more than so many handles open.
  bool has_handles_left(size_t most) const;

private:
  owned_handle input_;
  temporary_file output_;
  owned_handle handle_;
};

/// A client as the first page of any tutorial has it: blocking, and reading bytes.
class plain_client {
public:
  /// Waits where all instances are taken.
  explicit plain_client(const std::string& name, DWORD access = GENERIC_READ | GENERIC_WRITE);

  /// Writes `text`, also an empty one.
  bool write(const std::string& text);

  /// Reads `size` bytes, `piece` at a time; fewer at the end.
  std::string read(size_t size, size_t piece);

  /// Reads messages from here on, not bytes.
  bool read_messages();

  /// Reads a message, `piece` at a time; "none" where there is an end instead.
  std::string read_message(size_t piece);

  void close();

private:
  owned_handle handle_;
};

} // namespace programs
