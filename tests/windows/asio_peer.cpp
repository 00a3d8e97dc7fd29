// A program on Asio's windows::stream_handle: a peer for ours.
//   asio_peer echo NAME message|byte    a server that returns what it reads
//   asio_peer ask NAME message|byte     a client that sends messages of many sizes, several at a
//                                       time, and compares what comes back; prints DONE
#include <asio.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace {

using stream = asio::windows::stream_handle;

constexpr DWORD quota = 4096;
constexpr size_t num_messages = 200;
constexpr size_t messages_at_once = 8;

std::string address_of(const std::string& name) {
  return "\\\\.\\pipe\\" + name;
}

[[noreturn]] void fail(const char* what, const std::error_code& code) {
  std::printf("%s: error %d\n", what, code.value());
  std::exit(1);
}

std::error_code last_error() {
  return {static_cast<int>(GetLastError()), asio::error::get_system_category()};
}

/// The end of a part of a message, which is none of the stream.
bool has_more(const std::error_code& code) {
  return code.value() == ERROR_MORE_DATA;
}

/// Reads messages, or in byte mode what is there, and writes in order, both at a time.
class conversation : public std::enable_shared_from_this<conversation> {
public:
  using handler = std::function<void(conversation&, const std::string&)>;

  conversation(stream pipe, handler on_read) : pipe_(std::move(pipe)), on_read_(on_read) {}

  void read() {
    pipe_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](auto code, auto size) {
      self->text_.append(self->buffer_.data(), size);
      if (code && !has_more(code))
        return;
      if (!code)
        self->on_read_(*self, std::exchange(self->text_, {}));
      self->read();
    });
  }

  void write(std::string text) {
    unsent_.push_back(std::move(text));
    if (unsent_.size() == 1)
      write_next();
  }

  void close() {
    pipe_.close();
  }

private:
  void write_next() {
    auto& text = unsent_.front();
    auto done = [self = shared_from_this()](const std::error_code& code, size_t) {
      if (code)
        return;
      self->unsent_.pop_front();
      if (!self->unsent_.empty())
        self->write_next();
    };
    // One WriteFile, which takes all or nothing. asio::async_write would write 64 KiB at a time,
    // each of them a message.
    pipe_.async_write_some(asio::buffer(text), done);
  }

  stream pipe_;
  handler on_read_;
  std::array<char, 1000> buffer_;
  std::string text_;
  std::deque<std::string> unsent_;
};

// -- the server -------------------------------------------------------------------------------

/// Waits for a client on a new instance, and then for the next.
void accept(asio::io_context& io, const std::string& name, DWORD type) {
  auto handle = CreateNamedPipeA(address_of(name).c_str(),
                                 PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, type | PIPE_WAIT,
                                 PIPE_UNLIMITED_INSTANCES, quota, quota, 0, nullptr);
  if (handle == INVALID_HANDLE_VALUE)
    fail("CreateNamedPipe", last_error());
  auto pipe = std::make_shared<stream>(io, handle);
  auto accepted = [&io, name, type, pipe](const std::error_code& code, size_t) {
    if (code)
      fail("ConnectNamedPipe", code);
    std::make_shared<conversation>(std::move(*pipe), [](conversation& talk,
                                                        const std::string& text) {
      talk.write(text);
    })->read();
    accept(io, name, type);
  };
  asio::windows::overlapped_ptr overlapped{io, accepted};
  if (ConnectNamedPipe(handle, overlapped.get()))
    return overlapped.complete({}, 0);
  auto code = last_error();
  if (code.value() == ERROR_IO_PENDING)
    overlapped.release();
  else
    overlapped.complete(code.value() == ERROR_PIPE_CONNECTED ? std::error_code{} : code, 0);
}

// -- the client -------------------------------------------------------------------------------

std::string message(size_t number) {
  constexpr std::array<size_t, 6> sizes = {1, 999, 1000, 1001, 4097, 100'000};
  return std::string(sizes[number % sizes.size()], static_cast<char>('a' + number % 26));
}

class asking {
public:
  explicit asking(bool messages) : messages_(messages) {}

  void begin(conversation& talk) {
    for (; sent_ < messages_at_once; ++sent_)
      talk.write(message(sent_));
  }

  void answer(conversation& talk, const std::string& text) {
    check(!messages_ || text == message(answered_));
    received_ += text;
    while (answered_ < num_messages) {
      auto expected = message(answered_);
      if (received_.size() < expected.size())
        return;
      check(received_.compare(0, expected.size(), expected) == 0);
      received_.erase(0, expected.size());
      ++answered_;
      if (sent_ < num_messages)
        talk.write(message(sent_++));
    }
    std::printf("DONE\n");
    talk.close();
  }

private:
  void check(bool is_expected) {
    if (!is_expected) {
      std::printf("answer %zu is another one\n", answered_);
      std::exit(1);
    }
  }

  bool messages_;
  size_t sent_ = 0;
  size_t answered_ = 0;
  std::string received_;
};

void ask(asio::io_context& io, const std::string& name, bool messages) {
  auto handle = CreateFileA(address_of(name).c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr,
                            OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr);
  if (handle == INVALID_HANDLE_VALUE)
    fail("CreateFile", last_error());
  DWORD mode = messages ? PIPE_READMODE_MESSAGE : PIPE_READMODE_BYTE;
  if (!SetNamedPipeHandleState(handle, &mode, nullptr, nullptr))
    fail("SetNamedPipeHandleState", last_error());
  auto state = std::make_shared<asking>(messages);
  auto talk = std::make_shared<conversation>(stream{io, handle},
                                             [state](conversation& self, const std::string& text) {
                                               state->answer(self, text);
                                             });
  state->begin(*talk);
  talk->read();
}

} // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  std::string what = argc == 4 ? argv[1] : "";
  auto messages = argc == 4 && std::string{argv[3]} == "message";
  asio::io_context io;
  if (what == "echo") {
    accept(io, argv[2], messages ? PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE : PIPE_TYPE_BYTE);
    std::printf("LISTENING\n");
  } else if (what == "ask") {
    ask(io, argv[2], messages);
  } else {
    std::printf("usage: asio_peer echo|ask NAME message|byte\n");
    return 2;
  }
  io.run();
  return 0;
}
