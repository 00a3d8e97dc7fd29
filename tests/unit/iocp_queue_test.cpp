#include "port/windows/iocp_queue.hpp"

#include "pipeactor/error.hpp"

#include <catch2/catch.hpp>

using namespace pipeactor;
using namespace pipeactor::port;

namespace {

constexpr ULONG_PTR some_key = 3;

} // namespace

TEST_CASE("iocp_queue returns packets in the order in which they were posted") {
  auto queue = iocp_queue::make();
  REQUIRE(queue);
  for (ULONG_PTR value = 1; value <= 3; ++value)
    queue->post(some_key, value);
  auto count = queue->take(0);
  REQUIRE(count);
  REQUIRE(*count == 3);
  for (size_t index = 0; index < *count; ++index) {
    CHECK(queue->packet(index).lpCompletionKey == some_key);
    CHECK(reinterpret_cast<ULONG_PTR>(queue->packet(index).lpOverlapped) == index + 1);
  }
  CHECK(queue->take(0) == size_t{0});
}

TEST_CASE("iocp_queue tells a failure from a wait without packets") {
  auto queue = iocp_queue::make();
  REQUIRE(queue);
  CHECK(queue->take(0) == size_t{0});
  CHECK(queue->take(1) == size_t{0});
  iocp_queue closed;
  auto count = closed.take(0);
  REQUIRE_FALSE(count);
  CHECK(os_code_of(count.error()) == ERROR_INVALID_HANDLE);
}

TEST_CASE("iocp_queue refuses to bind a handle that is no pipe or file") {
  auto queue = iocp_queue::make();
  REQUIRE(queue);
  unique_handle event{CreateEventW(nullptr, TRUE, FALSE, nullptr)};
  REQUIRE(event);
  auto err = queue->bind(event.get(), some_key);
  CHECK(err);
  CHECK(os_code_of(err) != 0);
}
