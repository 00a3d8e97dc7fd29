#include "port/windows/listening_instance.hpp"

#include "windows_helpers.hpp"

using namespace windows_helpers;

namespace {

constexpr ULONG_PTR client_came = 7;
constexpr ULONG_PTR number = 42;
constexpr ULONG_PTR no_packet = 0;
constexpr DWORD patience = 10'000;

iocp_queue make_queue() {
  auto result = iocp_queue::make();
  REQUIRE(result);
  return std::move(*result);
}

/// Returns the number of the instance whose packet comes within `milliseconds`.
ULONG_PTR next_packet(iocp_queue& queue, DWORD milliseconds) {
  auto count = queue.take(milliseconds);
  REQUIRE(count);
  if (*count == 0)
    return no_packet;
  CHECK(*count == 1);
  CHECK(queue.packet(0).lpCompletionKey == client_came);
  return reinterpret_cast<ULONG_PTR>(queue.packet(0).lpOverlapped);
}

std::unique_ptr<listening_instance> listening(const instance_settings& settings,
                                              const iocp_queue& queue) {
  auto pipe = make_instance(settings, false);
  REQUIRE(pipe);
  auto result = std::make_unique<listening_instance>(std::move(*pipe), queue, client_came, number);
  REQUIRE_FALSE(result->listen());
  return result;
}

} // namespace

TEST_CASE("listening_instance posts a packet when its client comes, and is bound to no port") {
  auto request = request_for("wait");
  auto settings = settings_for(request);
  auto queue = make_queue();
  auto other = make_queue();
  auto instance = listening(settings, queue);
  CHECK(next_packet(queue, 0) == no_packet);
  auto client = connect_windows(request.pipe_name, request.mode);
  REQUIRE(client);
  REQUIRE(next_packet(queue, patience) == number);
  auto pipe = instance->take();
  REQUIRE(pipe);
  CHECK_FALSE(other.bind(pipe->get(), client_came));
}

TEST_CASE("listening_instance posts a packet if its client came before, or has left already") {
  auto request = request_for("quick");
  auto settings = settings_for(request);
  auto queue = make_queue();
  auto leaves = GENERATE(false, true);
  auto pipe = make_instance(settings, false);
  REQUIRE(pipe);
  auto client = connect_windows(request.pipe_name, request.mode);
  REQUIRE(client);
  write_now(client->get(), "bye");
  if (leaves)
    *client = unique_handle{};
  listening_instance instance{std::move(*pipe), queue, client_came, number};
  REQUIRE_FALSE(instance.listen());
  REQUIRE(next_packet(queue, patience) == number);
  auto taken = instance.take();
  REQUIRE(taken);
  char buffer[8];
  DWORD size = 0;
  OVERLAPPED overlapped = {};
  CHECK(ReadFile(taken->get(), buffer, sizeof(buffer), &size, &overlapped));
  CHECK(std::string(buffer, size) == "bye");
}

TEST_CASE("listening_instance ends without a packet if nobody came") {
  auto request = request_for("idle");
  auto settings = settings_for(request);
  auto queue = make_queue();
  for (int round = 0; round < 50; ++round)
    listening(settings, queue).reset();
  CHECK(next_packet(queue, 0) == no_packet);
  CHECK_FALSE(connect_windows(request.pipe_name, request.mode));
}
