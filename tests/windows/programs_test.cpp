// Windows programs against each other: pipecat, the examples, cmd, and a plain blocking client.

#include <catch2/catch.hpp>

#include <windows.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 60s;
constexpr auto look_again = 20ms;

struct handle_closer {
  void operator()(HANDLE handle) const {
    if (handle != INVALID_HANDLE_VALUE)
      CloseHandle(handle);
  }
};

using owned_handle = std::unique_ptr<void, handle_closer>;

std::string unique_name() {
  static int last = 0;
  return "programs-" + std::to_string(GetCurrentProcessId()) + "-" + std::to_string(++last);
}

std::string address_of(const std::string& name) {
  return "\\\\.\\pipe\\" + name;
}

/// Returns the path of a program that was built beside this one.
std::string program(const std::string& name) {
  char path[MAX_PATH];
  GetModuleFileNameA(nullptr, path, sizeof(path));
  std::string result{path};
  return result.substr(0, result.find_last_of('\\') + 1) + name + ".exe";
}

/// A file of this test that is gone with it.
class temporary_file {
public:
  temporary_file() {
    char directory[MAX_PATH];
    char path[MAX_PATH];
    GetTempPathA(sizeof(directory), directory);
    GetTempFileNameA(directory, "pac", 0, path);
    path_ = path;
  }

  ~temporary_file() {
    DeleteFileA(path_.c_str());
  }

  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;

  std::string text() const {
    std::string result;
    std::unique_ptr<FILE, int (*)(FILE*)> file{std::fopen(path_.c_str(), "rb"), std::fclose};
    char buffer[4096];
    while (auto size = file ? std::fread(buffer, 1, sizeof(buffer), file.get()) : 0)
      result.append(buffer, size);
    return result;
  }

  /// Opens it for a child process.
  owned_handle open(DWORD access) const {
    SECURITY_ATTRIBUTES inherited = {sizeof(inherited), nullptr, TRUE};
    return owned_handle{CreateFileA(path_.c_str(), access, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                    &inherited, OPEN_EXISTING, 0, nullptr)};
  }

private:
  std::string path_;
};

enum class input_ends { at_once, later };

/// A program with a file as its standard output.
class process {
public:
  explicit process(std::string command, const std::string& input = {},
                   input_ends end = input_ends::at_once) {
    SECURITY_ATTRIBUTES inherited = {sizeof(inherited), nullptr, TRUE};
    HANDLE read_end = nullptr;
    HANDLE write_end = nullptr;
    REQUIRE(CreatePipe(&read_end, &write_end, &inherited, 65536));
    owned_handle in{read_end};
    input_.reset(write_end);
    SetHandleInformation(write_end, HANDLE_FLAG_INHERIT, 0);
    type(input);
    if (end == input_ends::at_once)
      input_.reset(INVALID_HANDLE_VALUE);
    auto out = output_.open(GENERIC_WRITE);
    STARTUPINFOA startup = {};
    startup.cb = sizeof(startup);
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdInput = in.get();
    startup.hStdOutput = out.get();
    startup.hStdError = out.get();
    PROCESS_INFORMATION info = {};
    if (!CreateProcessA(nullptr, command.data(), nullptr, nullptr, TRUE, 0, nullptr, nullptr,
                        &startup, &info))
      FAIL("cannot start " << command << ": " << GetLastError());
    CloseHandle(info.hThread);
    handle_.reset(info.hProcess);
  }

  ~process() {
    kill();
  }

  /// Writes to its standard input.
  void type(const std::string& text) {
    DWORD size = 0;
    WriteFile(input_.get(), text.data(), static_cast<DWORD>(text.size()), &size, nullptr);
  }

  void kill() {
    TerminateProcess(handle_.get(), 99);
    WaitForSingleObject(handle_.get(), INFINITE);
  }

  /// Waits for the end.
  /// @returns the exit code, -1 where it does not come
  int wait() {
    DWORD code = 0;
    if (WaitForSingleObject(handle_.get(), std::chrono::milliseconds{patience}.count()) != 0)
      return -1;
    GetExitCodeProcess(handle_.get(), &code);
    return static_cast<int>(code);
  }

  bool prints(const std::string& text) {
    auto deadline = std::chrono::steady_clock::now() + patience;
    while (output().find(text) == std::string::npos) {
      if (std::chrono::steady_clock::now() > deadline) {
        UNSCOPED_INFO("it printed: " << output());
        return false;
      }
      std::this_thread::sleep_for(look_again);
    }
    return true;
  }

  std::string output() const {
    return output_.text();
  }

private:
  owned_handle input_;
  temporary_file output_;
  owned_handle handle_;
};

/// A client as the first page of any tutorial has it: blocking, and reading bytes.
class plain_client {
public:
  explicit plain_client(const std::string& name) {
    auto address = address_of(name);
    do {
      handle_.reset(CreateFileA(address.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr,
                                OPEN_EXISTING, 0, nullptr));
    } while (handle_.get() == INVALID_HANDLE_VALUE && GetLastError() == ERROR_PIPE_BUSY
             && WaitNamedPipeA(address.c_str(), 10'000));
    REQUIRE(handle_.get() != INVALID_HANDLE_VALUE);
  }

  bool write(const std::string& text) {
    DWORD size = 0;
    return WriteFile(handle_.get(), text.data(), static_cast<DWORD>(text.size()), &size, nullptr)
           && size == text.size();
  }

  /// Reads `size` bytes, `piece` at a time; fewer at the end.
  std::string read(size_t size, size_t piece) {
    std::string result;
    std::vector<char> buffer(piece);
    while (result.size() < size) {
      DWORD got = 0;
      auto asked = static_cast<DWORD>(std::min(piece, size - result.size()));
      // In byte read mode the pieces of a message come one by one, without ERROR_MORE_DATA.
      if (!ReadFile(handle_.get(), buffer.data(), asked, &got, nullptr))
        break;
      result.append(buffer.data(), got);
    }
    return result;
  }

  void close() {
    handle_.reset(INVALID_HANDLE_VALUE);
  }

private:
  owned_handle handle_;
};

std::string listen(const std::string& name, const std::string& options) {
  return program("pipecat") + " listen " + name + " " + options;
}

std::string connect(const std::string& name, const std::string& options) {
  return program("pipecat") + " connect " + name + " " + options;
}

std::string letters(size_t size) {
  std::string result(size, '\0');
  for (size_t index = 0; index < size; ++index)
    result[index] = static_cast<char>('a' + index * 7 % 26);
  return result;
}

} // namespace

TEST_CASE("pipecat talks to pipecat") {
  auto mode = GENERATE(as<std::string>{}, "--mode message", "--mode byte");
  auto name = unique_name();
  process server{listen(name, "--echo " + mode)};
  REQUIRE(server.prints("LISTENING " + address_of(name)));
  process client{connect(name, "--expect 3 " + mode), "one\ntwo\nthree\n"};
  CHECK(client.wait() == 0);
  CHECK(client.output() == "one\ntwo\nthree\n");
}

TEST_CASE("pipecat connect tells that there is no such pipe") {
  process client{connect(unique_name(), "")};
  CHECK(client.wait() == 1);
  CHECK(client.output().find("no_such_pipe") != std::string::npos);
}

TEST_CASE("a plain blocking client that reads bytes gets its answers, in message mode too") {
  auto mode = GENERATE(as<std::string>{}, "--mode message", "--mode byte");
  auto name = unique_name();
  process server{listen(name, "--echo " + mode)};
  REQUIRE(server.prints("LISTENING"));
  plain_client client{name};
  for (size_t size : {1, 1000, 4096, 4097, 30'000}) {
    auto text = letters(size);
    REQUIRE(client.write(text));
    // In pieces smaller than the message.
    CHECK(client.read(size, 700) == text);
  }
}

TEST_CASE("cmd writes to a pipe by redirection") {
  auto name = unique_name();
  process server{listen(name, "")};
  REQUIRE(server.prints("LISTENING"));
  process shell{"cmd /c echo hi> " + address_of(name)};
  CHECK(shell.wait() == 0);
  CHECK(server.prints("hi"));
}

TEST_CASE("clients that connect and leave at once, with and without a word, stop no server") {
  auto name = unique_name();
  process server{listen(name, "--echo")};
  REQUIRE(server.prints("LISTENING"));
  for (int round = 0; round < 1000; ++round) {
    plain_client client{name};
    if (round % 2 == 0)
      client.write("bye");
  }
  plain_client client{name};
  REQUIRE(client.write("still there"));
  CHECK(client.read(11, 100) == "still there");
}

TEST_CASE("a client that is terminated in the middle harms nobody") {
  auto name = unique_name();
  process server{listen(name, "--echo --verbose")};
  REQUIRE(server.prints("LISTENING"));
  plain_client other{name};
  // Waits for an answer that never comes.
  process victim{connect(name, "--expect 2 --linger 1000"), "one\n"};
  REQUIRE(victim.prints("one"));
  victim.kill();
  REQUIRE(server.prints("left: closed_by_peer"));
  REQUIRE(other.write("x"));
  CHECK(other.read(1, 1) == "x");
}

TEST_CASE("a server that is terminated in the middle ends its clients") {
  auto name = unique_name();
  auto server = std::make_unique<process>(listen(name, "--echo"));
  REQUIRE(server->prints("LISTENING"));
  plain_client client{name};
  REQUIRE(client.write("x"));
  REQUIRE(client.read(1, 1) == "x");
  server.reset();
  CHECK(client.read(1, 1).empty());
  // The name is free at once.
  process next{listen(name, "--echo")};
  CHECK(next.prints("LISTENING"));
}

TEST_CASE("the example echo_server answers, and ends at the return key") {
  auto name = unique_name();
  process server{program("echo_server") + " " + name, "", input_ends::later};
  REQUIRE(server.prints("LISTENING " + address_of(name)));
  plain_client client{name};
  REQUIRE(client.write("hello"));
  CHECK(client.read(5, 5) == "hello");
  server.type("\n");
  CHECK(server.wait() == 0);
}
