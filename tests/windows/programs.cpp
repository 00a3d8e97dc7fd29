#include "programs.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

namespace programs {

namespace {

constexpr auto look_again = 20ms;

size_t occurrences(const std::string& text, const std::string& part) {
  size_t result = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++result;
  return result;
}

} // namespace

std::string unique_name() {
  static int last = 0;
  return "programs-" + std::to_string(GetCurrentProcessId()) + "-" + std::to_string(++last);
}

std::string address_of(const std::string& name) {
  return "\\\\.\\pipe\\" + name;
}

std::string program(const std::string& name) {
  char path[MAX_PATH];
  GetModuleFileNameA(nullptr, path, sizeof(path));
  std::string result{path};
  return result.substr(0, result.find_last_of('\\') + 1) + name + ".exe";
}

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

bool same(const std::string& text, const std::string& expected) {
  if (text == expected)
    return true;
  auto ends = std::mismatch(text.begin(), text.end(), expected.begin(), expected.end());
  auto same = static_cast<size_t>(ends.first - text.begin());
  UNSCOPED_INFO(text.size() << " bytes, not " << expected.size() << ", and another one at " << same
                            << ": " << text.substr(same, 100));
  return false;
}

// -- files ------------------------------------------------------------------------------------

temporary_file::temporary_file() {
  char directory[MAX_PATH];
  char path[MAX_PATH];
  GetTempPathA(sizeof(directory), directory);
  GetTempFileNameA(directory, "pac", 0, path);
  path_ = path;
}

temporary_file::temporary_file(const std::string& text) : temporary_file() {
  auto file = open(GENERIC_WRITE);
  DWORD size = 0;
  REQUIRE(WriteFile(file.get(), text.data(), static_cast<DWORD>(text.size()), &size, nullptr));
}

temporary_file::~temporary_file() {
  DeleteFileA(path_.c_str());
}

std::string temporary_file::text() const {
  std::string result;
  std::unique_ptr<FILE, int (*)(FILE*)> file{std::fopen(path_.c_str(), "rb"), std::fclose};
  char buffer[4096];
  while (auto size = file ? std::fread(buffer, 1, sizeof(buffer), file.get()) : 0)
    result.append(buffer, size);
  return result;
}

owned_handle temporary_file::open(DWORD access) const {
  SECURITY_ATTRIBUTES inherited = {sizeof(inherited), nullptr, TRUE};
  return owned_handle{CreateFileA(path_.c_str(), access, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                  &inherited, OPEN_EXISTING, 0, nullptr)};
}

// -- processes --------------------------------------------------------------------------------

process::process(std::string command, const std::string& input, input_ends end) {
  SECURITY_ATTRIBUTES inherited = {sizeof(inherited), nullptr, TRUE};
  HANDLE read_end = nullptr;
  HANDLE write_end = nullptr;
  REQUIRE(CreatePipe(&read_end, &write_end, &inherited, 65536));
  owned_handle in{read_end};
  input_.reset(write_end);
  SetHandleInformation(write_end, HANDLE_FLAG_INHERIT, 0);
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
  // Now somebody reads it, however much it is.
  in.reset(INVALID_HANDLE_VALUE);
  type(input);
  if (end == input_ends::at_once)
    end_input();
}

process::~process() {
  kill();
}

void process::type(const std::string& text) {
  DWORD size = 0;
  WriteFile(input_.get(), text.data(), static_cast<DWORD>(text.size()), &size, nullptr);
}

void process::end_input() {
  input_.reset(INVALID_HANDLE_VALUE);
}

void process::kill() {
  TerminateProcess(handle_.get(), 99);
  WaitForSingleObject(handle_.get(), INFINITE);
}

int process::wait() {
  DWORD code = 0;
  if (WaitForSingleObject(handle_.get(), std::chrono::milliseconds{patience}.count()) != 0)
    return -1;
  GetExitCodeProcess(handle_.get(), &code);
  return static_cast<int>(code);
}

bool process::prints(const std::string& text, size_t times) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    // What it printed last is there when it has ended.
    auto ended = WaitForSingleObject(handle_.get(), 0) == WAIT_OBJECT_0;
    if (occurrences(output(), text) >= times)
      return true;
    if (ended || std::chrono::steady_clock::now() > deadline) {
      UNSCOPED_INFO("it printed: " << output());
      return false;
    }
    std::this_thread::sleep_for(look_again);
  }
}

std::string process::output() const {
  return output_.text();
}

size_t process::handles() const {
  DWORD count = 0;
  if (GetProcessHandleCount(handle_.get(), &count) && count > 0)
    return count;
  // Wine 8 does not count them (and its server can crash if the handles of all processes are asked
  // for), but gives a new one the lowest free number.
  HANDLE added = nullptr;
  REQUIRE(DuplicateHandle(GetCurrentProcess(), GetCurrentProcess(), handle_.get(), &added, 0, FALSE,
                          DUPLICATE_SAME_ACCESS));
  DuplicateHandle(handle_.get(), added, nullptr, nullptr, 0, FALSE, DUPLICATE_CLOSE_SOURCE);
  return reinterpret_cast<uintptr_t>(added) / 4;
}

bool process::has_handles_left(size_t most) const {
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto count = handles();
    if (count <= most)
      return true;
    if (std::chrono::steady_clock::now() > deadline) {
      UNSCOPED_INFO("it has " << count << " handles, not " << most);
      return false;
    }
    std::this_thread::sleep_for(look_again);
  }
}

// -- a plain client ---------------------------------------------------------------------------

plain_client::plain_client(const std::string& name, DWORD access) {
  auto address = address_of(name);
  do {
    handle_.reset(CreateFileA(address.c_str(), access, 0, nullptr, OPEN_EXISTING, 0, nullptr));
  } while (handle_.get() == INVALID_HANDLE_VALUE && GetLastError() == ERROR_PIPE_BUSY
           && WaitNamedPipeA(address.c_str(), 30'000));
  if (handle_.get() == INVALID_HANDLE_VALUE)
    FAIL("cannot connect to " << address << ": " << GetLastError());
}

bool plain_client::write(const std::string& text) {
  DWORD size = 0;
  return WriteFile(handle_.get(), text.data(), static_cast<DWORD>(text.size()), &size, nullptr)
         && size == text.size();
}

std::string plain_client::read(size_t size, size_t piece) {
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

bool plain_client::read_messages() {
  DWORD mode = PIPE_READMODE_MESSAGE;
  return SetNamedPipeHandleState(handle_.get(), &mode, nullptr, nullptr) != FALSE;
}

std::string plain_client::read_message(size_t piece) {
  std::string result;
  std::vector<char> buffer(piece);
  for (;;) {
    DWORD got = 0;
    auto whole = ReadFile(handle_.get(), buffer.data(), static_cast<DWORD>(piece), &got, nullptr);
    if (!whole && GetLastError() != ERROR_MORE_DATA)
      return "none";
    result.append(buffer.data(), got);
    if (whole)
      return result;
  }
}

void plain_client::close() {
  handle_.reset(INVALID_HANDLE_VALUE);
}

} // namespace programs
