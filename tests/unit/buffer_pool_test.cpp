#include "port/linux/buffer_pool.hpp"
#include "pipeactor/defaults.hpp"
#include "counting_account.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <set>
#include <thread>

using namespace pipeactor;
using pipeactor::port::buffer_pool;
using test::counting_account;

namespace {

constexpr size_t large = defaults::short_message + 1;

/// Takes a buffer, fills it and makes a payload of it.
payload receive(buffer_pool& pool, size_t size, char content,
                detail::payload_account* account = nullptr) {
  auto index = pool.acquire();
  REQUIRE(index != buffer_pool::none);
  std::memset(pool.data(index), content, size);
  return pool.make_payload(index, size, account);
}

bool lies_in(const payload& data, const buffer_pool& pool) {
  for (uint32_t index = 0; index < pool.capacity(); ++index)
    if (data.data() == pool.data(index))
      return true;
  return false;
}

bool has_only(const payload& data, size_t size, char content) {
  return data.text() == std::string(size, content);
}

std::vector<uint32_t> acquire_all(buffer_pool& pool) {
  std::vector<uint32_t> result;
  for (auto index = pool.acquire(); index != buffer_pool::none; index = pool.acquire())
    result.push_back(index);
  return result;
}

} // namespace

TEST_CASE("a buffer pool hands out buffers that do not overlap") {
  auto size = GENERATE(size_t{1}, size_t{4096}, size_t{100000});
  buffer_pool pool{size};
  CHECK(pool.buffer_size() == size);
  CHECK(pool.capacity() == defaults::receive_buffers);
  auto taken = acquire_all(pool);
  REQUIRE(taken.size() == pool.capacity());
  CHECK(std::set<uint32_t>(taken.begin(), taken.end()).size() == taken.size());
  std::vector<std::byte*> begins;
  for (auto index : taken) {
    begins.push_back(pool.data(index));
    // The first and the last byte can be written.
    pool.data(index)[0] = pool.data(index)[size - 1] = std::byte{1};
  }
  std::sort(begins.begin(), begins.end());
  for (size_t i = 1; i < begins.size(); ++i)
    REQUIRE(begins[i] - begins[i - 1] >= static_cast<ptrdiff_t>(size));
}

TEST_CASE("a buffer pool says that it is empty and goes on when a buffer returns") {
  buffer_pool pool{100};
  auto taken = acquire_all(pool);
  CHECK(pool.acquire() == buffer_pool::none);
  pool.release(taken[5]);
  CHECK(pool.acquire() == taken[5]);
  CHECK(pool.acquire() == buffer_pool::none);
}

TEST_CASE("a buffer pool reuses the buffer that was used last") {
  buffer_pool pool{100};
  auto first = pool.acquire();
  auto second = pool.acquire();
  pool.release(first);
  pool.release(second);
  CHECK(pool.acquire() == second);
  CHECK(pool.acquire() == first);
}

TEST_CASE("a message stays where it was received until it is released") {
  buffer_pool pool{131072};
  auto size = GENERATE(as<size_t>{}, 0, 1, defaults::short_message, large, 131072);
  auto data = receive(pool, size, 'a');
  CHECK(lies_in(data, pool));
  auto copy = data;
  data = payload{};
  auto taken = acquire_all(pool);
  CHECK(taken.size() == pool.capacity() - 1);
  CHECK(has_only(copy, size, 'a'));
  copy = payload{};
  CHECK(acquire_all(pool).size() == 1);
}

TEST_CASE("messages are copied if payloads keep many of the buffers") {
  buffer_pool pool{large};
  std::vector<payload> kept;
  auto keep_many = [&](size_t size) {
    for (size_t i = 0; i < pool.capacity(); ++i)
      kept.push_back(receive(pool, size, static_cast<char>('a' + kept.size() % 26)));
    return static_cast<size_t>(std::count_if(kept.begin(), kept.end(), [&](const payload& data) {
      return lies_in(data, pool);
    }));
  };
  // Short messages leave half of the buffers to others, all together a quarter.
  CHECK(keep_many(defaults::short_message) == pool.capacity() / 2);
  CHECK(keep_many(large) == pool.capacity() / 4 * 3);
  for (size_t i = 0; i < kept.size(); ++i)
    REQUIRE(has_only(kept[i], kept[i].size(), static_cast<char>('a' + i % 26)));
  kept.clear();
  CHECK(acquire_all(pool).size() == pool.capacity());
}

TEST_CASE("a received payload is charged to its account until it is released") {
  buffer_pool pool{131072};
  auto size = GENERATE(as<size_t>{}, 10, large);
  counting_account account;
  {
    auto data = receive(pool, size, 'a', &account);
    CHECK(account.payloads == 1);
    CHECK(account.bytes == size);
  }
  CHECK(account.payloads == 0);
  CHECK(account.bytes == 0);
}

TEST_CASE("a payload outlives its pool") {
  auto pool = std::make_unique<buffer_pool>(131072);
  auto first = receive(*pool, 131072, 'a');
  auto second = receive(*pool, large, 'b');
  pool.reset();
  CHECK(has_only(first, 131072, 'a'));
  first = payload{};
  CHECK(has_only(second, large, 'b'));
}

TEST_CASE("payloads return their buffers from any thread") {
  buffer_pool pool{large};
  constexpr size_t threads = 3;
  constexpr size_t rounds = 300;
  for (size_t round = 0; round < rounds; ++round) {
    std::vector<std::thread> workers;
    for (size_t i = 0; i < threads; ++i) {
      std::vector<payload> share;
      for (size_t k = 0; k < 20; ++k)
        share.push_back(receive(pool, large, 'a'));
      workers.emplace_back([share = std::move(share)]() mutable { share.clear(); });
    }
    for (auto& worker : workers)
      worker.join();
  }
  CHECK(acquire_all(pool).size() == pool.capacity());
}

// Sanitizers see what is freed twice, or never.
TEST_CASE("payloads are released on any thread while their pool goes away") {
  constexpr size_t rounds = 100;
  for (size_t round = 0; round < rounds; ++round) {
    auto pool = std::make_unique<buffer_pool>(large);
    counting_account account;
    std::vector<std::thread> workers;
    for (int i = 0; i < 2; ++i) {
      std::vector<payload> share;
      for (int k = 0; k < 20; ++k)
        share.push_back(receive(*pool, large, 'a', &account));
      workers.emplace_back([share = std::move(share)]() mutable { share.clear(); });
    }
    auto last = receive(*pool, large, 'b', &account);
    pool.reset();
    CHECK(has_only(last, large, 'b'));
    last = payload{};
    for (auto& worker : workers)
      worker.join();
    CHECK(account.payloads == 0);
    CHECK(account.bytes == 0);
  }
}

TEST_CASE("a buffer pool gives memory back after a burst of large messages") {
  constexpr size_t size = size_t{4} << 20;
  constexpr size_t most_resident = (size_t{256} << 20) / size;
  buffer_pool pool{size};
  std::vector<payload> kept;
  for (size_t i = 0; i < most_resident + 36; ++i) {
    auto index = pool.acquire();
    REQUIRE(index != buffer_pool::none);
    pool.data(index)[size / 2] = std::byte{'x'};
    kept.push_back(pool.make_payload(index, size, nullptr));
  }
  kept.clear();
  size_t resident = 0;
  for (auto index : acquire_all(pool))
    // Pages that were given back read as zeros.
    if (pool.data(index)[size / 2] != std::byte{0})
      ++resident;
  CHECK(resident <= most_resident);
  CHECK(resident > 0);
}
