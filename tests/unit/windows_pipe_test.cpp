// Win32's pipes as the iocp port uses them. What Wine cannot show (rights, the first instance,
// clients over the network) is read off the flags that are passed.

#include "port/windows/windows_pipe.hpp"

#include "pipeactor/error.hpp"
#include "port/resolved_access.hpp"
#include "port/windows/windows_identity.hpp"

#include <catch2/catch.hpp>

using namespace pipeactor;
using namespace pipeactor::port;

namespace {

constexpr ULONG_PTR key = 7;

listen_request request_for(const char* name, pipe_mode mode = pipe_mode::message) {
  listen_request result;
  result.pipe_name = name + std::to_string(GetCurrentProcessId());
  result.mode = mode;
  return result;
}

unique_handle make_port() {
  return unique_handle{CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1)};
}

/// Returns the number of the instance whose packet comes, 0 where none does.
ULONG_PTR next_packet(const unique_handle& port, DWORD milliseconds) {
  DWORD size = 0;
  ULONG_PTR got = 0;
  OVERLAPPED* overlapped = nullptr;
  auto ok = GetQueuedCompletionStatus(port.get(), &size, &got, &overlapped, milliseconds);
  return ok && got == key ? reinterpret_cast<ULONG_PTR>(overlapped) : 0;
}

std::unique_ptr<listening_instance> listening(const instance_settings& settings,
                                              const unique_handle& port, ULONG_PTR number) {
  auto pipe = make_instance(settings, false);
  REQUIRE(pipe);
  auto result = std::make_unique<listening_instance>(std::move(*pipe), port.get(), key, number);
  REQUIRE_FALSE(result->listen());
  return result;
}

} // namespace

// -- flags ------------------------------------------------------------------------------------

TEST_CASE("the first instance of a pipe asks that the name is nobody's, others do not") {
  CHECK((flags_of(pipe_mode::message, true).open_mode & FILE_FLAG_FIRST_PIPE_INSTANCE) != 0);
  CHECK((flags_of(pipe_mode::message, false).open_mode & FILE_FLAG_FIRST_PIPE_INSTANCE) == 0);
}

TEST_CASE("every instance is overlapped, duplex, and refuses clients over the network") {
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto is_first = GENERATE(true, false);
  auto flags = flags_of(mode, is_first);
  CHECK((flags.open_mode & FILE_FLAG_OVERLAPPED) != 0);
  CHECK((flags.open_mode & PIPE_ACCESS_DUPLEX) == PIPE_ACCESS_DUPLEX);
  CHECK((flags.pipe_mode & PIPE_REJECT_REMOTE_CLIENTS) != 0);
  auto messages = DWORD{PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE};
  CHECK((flags.pipe_mode & messages) == (mode == pipe_mode::message ? messages : 0));
}

// -- errors -----------------------------------------------------------------------------------

TEST_CASE("Win32 errors keep their code, and have a meaning of ours where there is one") {
  auto err = windows_error(ERROR_ACCESS_DENIED, "cannot do it");
  CHECK(code_of(err) == errc::access_denied);
  CHECK(os_code_of(err) == ERROR_ACCESS_DENIED);
  CHECK(describe(err).find("cannot do it") != std::string::npos);
  CHECK(code_of(windows_error(ERROR_PIPE_BUSY, "x")) == errc::pipe_busy);
  CHECK(code_of(windows_error(ERROR_FILE_NOT_FOUND, "x")) == errc::no_such_pipe);
  auto other = windows_error(ERROR_CRC, "x");
  CHECK(code_of(other) == errc::os_error);
  CHECK(os_code_of(other) == ERROR_CRC);
}

TEST_CASE("messages of more than 64 MiB are not granted") {
  CHECK_FALSE(check_windows_message_size(0));
  CHECK_FALSE(check_windows_message_size(size_t{64} << 20));
  CHECK(code_of(check_windows_message_size((size_t{64} << 20) + 1)) == errc::invalid_option);
}

// -- connecting -------------------------------------------------------------------------------

TEST_CASE("a client without a server is told that there is no such pipe") {
  auto handle = connect_windows("nobody listens here", pipe_mode::message);
  REQUIRE_FALSE(handle);
  CHECK(code_of(handle.error()) == errc::no_such_pipe);
}

TEST_CASE("a client that finds no free instance is told that the pipe is busy") {
  auto request = request_for("busy");
  auto settings = make_instance_settings(request);
  REQUIRE(settings);
  auto instance = make_instance(*settings, true);
  REQUIRE(instance);
  auto first = connect_windows(request.pipe_name, request.mode);
  CHECK(first);
  auto second = connect_windows(request.pipe_name, request.mode);
  REQUIRE_FALSE(second);
  CHECK(code_of(second.error()) == errc::pipe_busy);
}

TEST_CASE("a client of the other mode is told so") {
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto other = mode == pipe_mode::byte ? pipe_mode::message : pipe_mode::byte;
  auto request = request_for("mode", mode);
  auto settings = make_instance_settings(request);
  REQUIRE(settings);
  auto instance = make_instance(*settings, true);
  REQUIRE(instance);
  auto client = connect_windows(request.pipe_name, other);
  REQUIRE_FALSE(client);
  CHECK(code_of(client.error()) == errc::not_a_pipe);
}

TEST_CASE("both ends know the process and the user of the other") {
  auto request = request_for("peer");
  auto settings = make_instance_settings(request);
  REQUIRE(settings);
  auto server = make_instance(*settings, true);
  REQUIRE(server);
  auto client = connect_windows(request.pipe_name, request.mode);
  REQUIRE(client);
  for (auto* end : {server->get(), client->get()}) {
    auto peer = peer_of(end);
    CHECK(peer.pid == static_cast<int64_t>(GetCurrentProcessId()));
    CHECK(peer.sid == current_process().sid);
    CHECK(peer.group_sids == current_process().group_sids);
    CHECK(resolve(pipe_access::owner())->admits(peer));
  }
}

// -- listening --------------------------------------------------------------------------------

TEST_CASE("an instance that waits is told of its client, and takes part in no port yet") {
  auto request = request_for("wait");
  auto settings = make_instance_settings(request);
  REQUIRE(settings);
  auto port = make_port();
  auto other = make_port();
  auto instance = listening(*settings, port, 42);
  CHECK(next_packet(port, 0) == 0);
  auto client = connect_windows(request.pipe_name, request.mode);
  REQUIRE(client);
  REQUIRE(next_packet(port, 10'000) == 42);
  auto pipe = instance->take();
  REQUIRE(pipe);
  CHECK(CreateIoCompletionPort(pipe->get(), other.get(), 1, 0) == other.get());
}

TEST_CASE("an instance whose client was quicker, or has left already, is told of it too") {
  auto request = request_for("quick");
  auto settings = make_instance_settings(request);
  REQUIRE(settings);
  auto port = make_port();
  auto leaves = GENERATE(false, true);
  auto pipe = make_instance(*settings, false);
  REQUIRE(pipe);
  auto client = connect_windows(request.pipe_name, request.mode);
  REQUIRE(client);
  OVERLAPPED overlapped = {};
  REQUIRE(WriteFile(client->get(), "bye", 3, nullptr, &overlapped));
  if (leaves)
    *client = unique_handle{};
  listening_instance instance{std::move(*pipe), port.get(), key, 43};
  REQUIRE_FALSE(instance.listen());
  REQUIRE(next_packet(port, 10'000) == 43);
  auto taken = instance.take();
  REQUIRE(taken);
  char buffer[8];
  DWORD size = 0;
  overlapped = {};
  CHECK(ReadFile(taken->get(), buffer, sizeof(buffer), &size, &overlapped));
  CHECK(std::string(buffer, size) == "bye");
}

TEST_CASE("an instance that nobody came to ends without a packet") {
  auto request = request_for("idle");
  auto settings = make_instance_settings(request);
  REQUIRE(settings);
  auto port = make_port();
  for (int round = 0; round < 50; ++round)
    listening(*settings, port, 44).reset();
  CHECK(next_packet(port, 0) == 0);
  CHECK_FALSE(connect_windows(request.pipe_name, request.mode));
}
