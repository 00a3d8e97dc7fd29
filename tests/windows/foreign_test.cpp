// Programs on Asio and on plain Win32 as clients of ours and as servers for ours, and cmd.

#include "programs.hpp"

#include <catch2/catch.hpp>

using namespace programs;

namespace {

std::string in_mode(const std::string& mode) {
  return " --mode " + mode;
}

/// Names both modes, one at a time.
#define EACH_MODE GENERATE(as<std::string>{}, "message", "byte")

} // namespace

// -- Asio -------------------------------------------------------------------------------------

TEST_CASE("a client on Asio gets what it sent, several at a time") {
  auto mode = EACH_MODE;
  auto name = unique_name();
  process server{listen(name, "--echo --verbose" + in_mode(mode))};
  REQUIRE(server.prints("LISTENING"));
  process client{program("asio_peer") + " ask " + name + " " + mode};
  CHECK(client.prints("DONE"));
  CHECK(client.wait() == 0);
  CHECK(server.prints("client 1 left: closed_by_peer"));
}

TEST_CASE("a client on Asio reads the messages of a server as bytes") {
  auto name = unique_name();
  process server{listen(name, "--echo")};
  REQUIRE(server.prints("LISTENING"));
  process client{program("asio_peer") + " ask " + name + " byte"};
  CHECK(client.prints("DONE"));
}

TEST_CASE("a server on Asio, with overlapped instances, answers our client") {
  auto mode = EACH_MODE;
  auto name = unique_name();
  process server{program("asio_peer") + " echo " + name + " " + mode};
  REQUIRE(server.prints("LISTENING"));
  auto lines = "one\n" + letters(300'000) + "\nthree\n";
  // One after the other, each on an instance of its own.
  for (auto round = 0; round < 3; ++round) {
    process client{connect(name, "--expect 3" + in_mode(mode)), lines};
    CHECK(client.wait() == 0);
    CHECK(same(client.output(), lines));
  }
}

// -- plain Win32 ------------------------------------------------------------------------------

TEST_CASE("a blocking server answers our client") {
  auto mode = EACH_MODE;
  auto name = unique_name();
  process server{program("win32_peer") + " echo " + name + " " + mode};
  REQUIRE(server.prints("LISTENING"));
  auto lines = "one\n" + letters(300'000) + "\nthree\n";
  process client{connect(name, "--expect 3" + in_mode(mode)), lines};
  CHECK(client.wait() == 0);
  CHECK(same(client.output(), lines));
}

TEST_CASE("our client receives an empty message, and the last words of a blocking server") {
  auto mode = EACH_MODE;
  auto name = unique_name();
  process server{program("win32_peer") + " echo " + name + " " + mode};
  REQUIRE(server.prints("LISTENING"));
  // Without an end of line, which would be sent, too.
  auto last = mode == "byte" ? "bye" : "bye\n";
  process client{connect(name, in_mode(mode)), last, input_ends::later};
  CHECK(client.wait() == 0);
  CHECK(client.output() == (mode == "byte" ? "byefarewell" : "bye\n\nfarewell\n"));
}

TEST_CASE("an empty message is received as a message") {
  auto name = unique_name();
  process server{listen(name, "")};
  REQUIRE(server.prints("LISTENING"));
  plain_client client{name};
  REQUIRE(client.write("one"));
  REQUIRE(client.write(""));
  REQUIRE(client.write("three"));
  CHECK(server.prints("one\n\nthree\n"));
}

TEST_CASE("in byte mode an empty write has no effect") {
  auto name = unique_name();
  process server{listen(name, "--echo --verbose --mode byte")};
  REQUIRE(server.prints("LISTENING"));
  plain_client client{name};
  REQUIRE(client.write(""));
  REQUIRE(client.write("one"));
  REQUIRE(client.write(""));
  CHECK(client.read(3, 100) == "one");
  REQUIRE(client.write("two"));
  CHECK(client.read(3, 100) == "two");
}

TEST_CASE("a blocking client reads messages, each in several pieces") {
  auto name = unique_name();
  process server{listen(name, "--echo")};
  REQUIRE(server.prints("LISTENING"));
  plain_client client{name};
  REQUIRE(client.read_messages());
  for (size_t size : {1, 699, 700, 701, 4096, 4097, 65536, 300'000}) {
    auto text = letters(size);
    // The second one must not run into the first.
    REQUIRE(client.write(text));
    REQUIRE(client.write("end"));
    CHECK(same(client.read_message(700), text));
    CHECK(client.read_message(700) == "end");
  }
}

TEST_CASE("CallNamedPipe is answered, whether it has to wait for an instance or not") {
  auto name = unique_name();
  process server{listen(name, "--echo")};
  REQUIRE(server.prints("LISTENING"));
  for (auto round = 0; round < 200; ++round) {
    auto text = letters(round + 1);
    char answer[1000];
    DWORD size = 0;
    REQUIRE(CallNamedPipeA(address_of(name).c_str(), text.data(), static_cast<DWORD>(text.size()),
                           answer, sizeof(answer), &size, 30'000));
    CHECK(std::string(answer, size) == text);
  }
}

TEST_CASE("our client waits for a server's only instance, and reports if that takes too long") {
  auto name = unique_name();
  owned_handle pipe{CreateNamedPipeA(address_of(name).c_str(), PIPE_ACCESS_DUPLEX,
                                     PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, 1, 4096, 4096, 0,
                                     nullptr)};
  REQUIRE(pipe.get() != INVALID_HANDLE_VALUE);
  plain_client first{name};
  process impatient{connect(name, "--timeout 0.2")};
  CHECK(impatient.wait() == 1);
  CHECK(impatient.prints("pipe_busy"));
  process patient{connect(name, "--timeout 60"), "my turn\n"};
  first.close();
  // Only this makes it free.
  REQUIRE(DisconnectNamedPipe(pipe.get()));
  auto connected = ConnectNamedPipe(pipe.get(), nullptr);
  REQUIRE((connected || GetLastError() == ERROR_PIPE_CONNECTED));
  char text[100];
  DWORD size = 0;
  REQUIRE(ReadFile(pipe.get(), text, sizeof(text), &size, nullptr));
  CHECK(std::string(text, size) == "my turn");
  CHECK(patient.wait() == 0);
}

TEST_CASE("a client may open its pipe for one direction only") {
  auto mode = EACH_MODE;
  auto name = unique_name();
  process server{listen(name, "--verbose" + in_mode(mode)), "", input_ends::later};
  REQUIRE(server.prints("LISTENING"));
  plain_client reader{name, GENERIC_READ};
  REQUIRE(server.prints("client 1 connected"));
  {
    plain_client writer{name, GENERIC_WRITE};
    REQUIRE(writer.write("hello"));
  }
  CHECK(server.prints("hello"));
  CHECK(server.prints("client 2 left: closed_by_peer"));
  server.type("to all\n");
  auto expected = mode == "byte" ? std::string{"to all\n"} : std::string{"to all"};
  CHECK(reader.read(expected.size(), 100) == expected);
}

// -- cmd --------------------------------------------------------------------------------------

TEST_CASE("cmd writes to a pipe by redirection") {
  auto mode = EACH_MODE;
  auto name = unique_name();
  process server{listen(name, in_mode(mode))};
  REQUIRE(server.prints("LISTENING"));
  process shell{"cmd /c echo hi> " + address_of(name)};
  CHECK(shell.wait() == 0);
  CHECK(server.prints("hi"));
}

TEST_CASE("cmd copies a file to a pipe") {
  auto name = unique_name();
  process server{listen(name, "--mode byte")};
  REQUIRE(server.prints("LISTENING"));
  auto text = letters(200'000) + "#end";
  temporary_file file{text};
  process shell{"cmd /c type " + file.path() + " > " + address_of(name)};
  CHECK(shell.wait() == 0);
  REQUIRE(server.prints("#end"));
  auto output = server.output();
  CHECK(same(output.substr(output.find('\n') + 1), text));
}

TEST_CASE("cmd prints what a pipe sends") {
  auto mode = EACH_MODE;
  auto name = unique_name();
  process server{listen(name, "--verbose" + in_mode(mode)), "", input_ends::later};
  REQUIRE(server.prints("LISTENING"));
  process shell{"cmd /c type " + address_of(name)};
  REQUIRE(server.prints("client 1 connected"));
  server.type("hello\n");
  CHECK(shell.prints("hello"));
  server.kill();
  CHECK(shell.wait() >= 0);
}
