#include "port/linux/io_uring_buffers.hpp"

#include "pipeactor/defaults.hpp"
#include "skip.hpp"

#include <catch2/catch.hpp>

using namespace pipeactor;
using namespace pipeactor::port;

namespace {

constexpr uint16_t some_group = 1;
constexpr size_t buffer_size = size_t{2} << 20;
constexpr uint32_t a_quarter = defaults::receive_buffers / 4;

} // namespace

TEST_CASE(
  "io_uring_buffers provides a quarter of its buffers at most, and fewer for long messages") {
  io_uring_ring ring;
  if (auto err = ring.open())
    test::skip("without io_uring");
  auto made = io_uring_buffers::make(ring, some_group, buffer_size);
  REQUIRE(made);
  auto& buffers = **made;
  auto few = buffers.provided();
  CHECK(few > 0);
  CHECK(few < a_quarter);
  // Twice as many each time that they run out.
  buffers.grow();
  CHECK(buffers.provided() == 2 * few);
  for (int count = 0; count < 20; ++count)
    buffers.grow();
  CHECK(buffers.provided() == a_quarter);
  // The kernel fills them with long messages: only some that fit into the cache come back.
  for (uint32_t index = 0; index < a_quarter; ++index)
    buffers.take(static_cast<uint16_t>(index), buffer_size, nullptr);
  CHECK(buffers.provided() == 0);
  buffers.refill();
  auto for_long = buffers.provided();
  CHECK(for_long > 0);
  CHECK(for_long < few);
  // What was taken for nothing is provided again.
  auto given_back_last = static_cast<uint16_t>(a_quarter - 1);
  buffers.put_back(given_back_last);
  CHECK(buffers.provided() == for_long - 1);
  buffers.refill();
  CHECK(buffers.provided() == for_long);
}
