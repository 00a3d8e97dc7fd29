// Win32's pipes as the iocp port uses them. Wine cannot show rights, the first instance and clients
// over the network: for these the flags that are passed are checked.

#include "port/windows/windows_pipe.hpp"

#include "pipeactor/error.hpp"
#include "port/resolved_access.hpp"
#include "port/windows/windows_identity.hpp"
#include "windows_helpers.hpp"

using namespace windows_helpers;

// -- flags ------------------------------------------------------------------------------------

TEST_CASE("the first instance of a pipe claims the name, others do not") {
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

TEST_CASE("messages of more than 64 MiB are not granted") {
  CHECK_FALSE(check_windows_message_size(0));
  CHECK_FALSE(check_windows_message_size(size_t{64} << 20));
  CHECK(code_of(check_windows_message_size((size_t{64} << 20) + 1)) == errc::invalid_option);
}

// -- connecting -------------------------------------------------------------------------------

TEST_CASE("connect_windows reports that there is no server") {
  auto handle = connect_windows("nobody listens here", pipe_mode::message);
  REQUIRE_FALSE(handle);
  CHECK(code_of(handle.error()) == errc::no_such_pipe);
}

TEST_CASE("connect_windows reports that no instance is free") {
  auto request = request_for("busy");
  auto settings = settings_for(request);
  auto instance = make_instance(settings, true);
  REQUIRE(instance);
  auto first = connect_windows(request.pipe_name, request.mode);
  CHECK(first);
  auto second = connect_windows(request.pipe_name, request.mode);
  REQUIRE_FALSE(second);
  CHECK(code_of(second.error()) == errc::pipe_busy);
}

TEST_CASE("connect_windows reports a pipe of the other mode") {
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto other = mode == pipe_mode::byte ? pipe_mode::message : pipe_mode::byte;
  auto request = request_for("mode", mode);
  auto settings = settings_for(request);
  auto instance = make_instance(settings, true);
  REQUIRE(instance);
  auto client = connect_windows(request.pipe_name, other);
  REQUIRE_FALSE(client);
  CHECK(code_of(client.error()) == errc::not_a_pipe);
}

TEST_CASE("peer_of returns the process and the user of the other end, at both ends") {
  auto request = request_for("peer");
  auto settings = settings_for(request);
  auto server = make_instance(settings, true);
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
