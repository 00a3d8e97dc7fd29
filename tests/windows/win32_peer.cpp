// A program on blocking Win32 calls, as other people write them: a peer for ours.
//   win32_peer echo NAME message|byte    a server; returns what it reads, also empty messages.
//                                        "bye" is its client's last: an empty message and a word
//                                        more, and it closes
//   win32_peer stall NAME message|byte   a server that reads 100 bytes of its client and no more
//   win32_peer write NAME SIZE           a client that writes SIZE bytes at once, for ever, and
//                                        never reads
#include <windows.h>

#include <cstdio>
#include <string>
#include <thread>

namespace {

constexpr DWORD quota = 4096;

std::string address_of(const std::string& name) {
  return "\\\\.\\pipe\\" + name;
}

int fail(const char* what) {
  std::printf("%s: error %lu\n", what, GetLastError());
  return 1;
}

/// Reads a message, or in byte mode what is there. Returns false at the end.
bool read(HANDLE pipe, std::string& text) {
  text.clear();
  // Shorter than many a message.
  char buffer[1000];
  for (;;) {
    DWORD size = 0;
    auto whole = ReadFile(pipe, buffer, sizeof(buffer), &size, nullptr);
    if (!whole && GetLastError() != ERROR_MORE_DATA)
      return false;
    text.append(buffer, size);
    if (whole)
      return true;
  }
}

bool write(HANDLE pipe, const std::string& text) {
  DWORD size = 0;
  return WriteFile(pipe, text.data(), static_cast<DWORD>(text.size()), &size, nullptr);
}

void echo(HANDLE pipe) {
  std::string text;
  while (read(pipe, text) && write(pipe, text) && text != "bye")
    continue;
  if (text == "bye")
    write(pipe, {}) && write(pipe, "farewell");
  // Without it, and with DisconnectNamedPipe next, a client loses what it has not read yet.
  FlushFileBuffers(pipe);
  DisconnectNamedPipe(pipe);
  CloseHandle(pipe);
}

void stall(HANDLE pipe) {
  char buffer[100];
  DWORD size = 0;
  ReadFile(pipe, buffer, sizeof(buffer), &size, nullptr);
  std::printf("READ %lu\n", size);
  Sleep(INFINITE);
}

int serve(const std::string& name, const std::string& mode, void (*talk)(HANDLE)) {
  auto type = mode == "message" ? PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE
                                : PIPE_TYPE_BYTE | PIPE_READMODE_BYTE;
  for (auto announced = false;; announced = true) {
    auto pipe = CreateNamedPipeA(address_of(name).c_str(), PIPE_ACCESS_DUPLEX, type | PIPE_WAIT,
                                 PIPE_UNLIMITED_INSTANCES, quota, quota, 0, nullptr);
    if (pipe == INVALID_HANDLE_VALUE)
      return fail("CreateNamedPipe");
    if (!announced)
      std::printf("LISTENING\n");
    if (!ConnectNamedPipe(pipe, nullptr) && GetLastError() != ERROR_PIPE_CONNECTED)
      return fail("ConnectNamedPipe");
    std::thread{talk, pipe}.detach();
  }
}

int write_for_ever(const std::string& name, size_t size) {
  auto pipe = CreateFileA(address_of(name).c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr,
                          OPEN_EXISTING, 0, nullptr);
  if (pipe == INVALID_HANDLE_VALUE)
    return fail("CreateFile");
  std::printf("CONNECTED\n");
  std::string text(size, 'x');
  while (write(pipe, text))
    std::printf("WRITTEN\n");
  return fail("WriteFile");
}

} // namespace

int main(int argc, char** argv) {
  // Output is written at once, so that it is there even if the program is terminated.
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  std::string what = argc == 4 ? argv[1] : "";
  if (what == "echo")
    return serve(argv[2], argv[3], echo);
  if (what == "stall")
    return serve(argv[2], argv[3], stall);
  if (what == "write")
    return write_for_ever(argv[2], std::stoul(argv[3]));
  std::printf("usage: win32_peer echo|stall NAME message|byte | win32_peer write NAME SIZE\n");
  return 2;
}
