#include "pipeactor/payload.hpp"

#include "counting_account.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace pipeactor;
using test::counting_account;

namespace {

payload charged_payload(std::string_view text, counting_account& account) {
  return payload{detail::copy_received(text.data(), text.size(), &account)};
}

} // namespace

TEST_CASE("a payload is empty until it has bytes") {
  for (auto& data : {payload{}, payload{std::string_view{}}, payload{std::vector<std::byte>{}},
                     payload::copy_of(nullptr, 0), payload::copy_of(payload{})}) {
    CHECK(data.empty());
    CHECK(data.size() == 0);
    CHECK(data.text().empty());
  }
}

TEST_CASE("a payload keeps every byte") {
  std::string text;
  for (int value = 0; value < 256; ++value)
    text += static_cast<char>(value);
  payload data{text};
  CHECK(data.size() == 256);
  CHECK(data.text() == text);
  CHECK(static_cast<const void*>(data.data()) != text.data());
}

TEST_CASE("a payload takes over a vector without a copy") {
  std::vector<std::byte> bytes(1000, std::byte{7});
  auto* where = bytes.data();
  payload data{std::move(bytes)};
  CHECK(data.data() == where);
  CHECK(data.size() == 1000);
}

TEST_CASE("copies of a payload share the bytes") {
  payload data{"shared"};
  auto copy = data;
  payload assigned;
  assigned = copy;
  CHECK(copy.data() == data.data());
  CHECK(assigned.data() == data.data());
  data = payload{};
  CHECK(copy.text() == "shared");
  auto& self = assigned;
  assigned = self;
  CHECK(assigned.text() == "shared");
}

TEST_CASE("a moved payload leaves an empty one") {
  payload data{"moved"};
  payload next{std::move(data)};
  CHECK(data.empty()); // NOLINT: what is left is defined
  CHECK(next.text() == "moved");
}

TEST_CASE("payloads are equal when their bytes are") {
  CHECK(payload{"a"} == payload{"a"});
  CHECK(payload{"a"} != payload{"b"});
  CHECK(payload{"a"} != payload{"ab"});
  CHECK(payload{} == payload{""});
  CHECK(payload{} != payload{"a"});
}

TEST_CASE("a received payload settles its account with the last copy") {
  counting_account account;
  auto data = charged_payload("12345", account);
  auto copy = data;
  data = payload{};
  CHECK(account.payloads == 1);
  CHECK(account.bytes == 5);
  copy = payload{};
  CHECK(account.payloads == 0);
  CHECK(account.bytes == 0);
}

TEST_CASE("a received payload may be empty and may have no account") {
  counting_account account;
  {
    auto data = charged_payload("", account);
    CHECK(data.empty());
    CHECK(data == payload{});
    CHECK(account.payloads == 1);
    CHECK(account.bytes == 0);
  }
  CHECK(account.payloads == 0);
  payload free_one{detail::copy_received("text", 4, nullptr)};
  CHECK(free_one.text() == "text");
}

TEST_CASE("a copy of a payload's bytes is free of the account") {
  counting_account account;
  auto data = charged_payload("12345", account);
  auto kept = payload::copy_of(data);
  data = payload{};
  CHECK(account.releases == 1);
  CHECK(kept.text() == "12345");
}

TEST_CASE("a payload is released once, whichever thread is last") {
  counting_account account;
  for (int round = 0; round < 200; ++round) {
    auto data = charged_payload("x", account);
    std::thread other{[copy = data]() mutable { copy = payload{}; }};
    data = payload{};
    other.join();
  }
  CHECK(account.releases == 200);
  CHECK(account.payloads == 0);
}

TEST_CASE("a payload arrives on another machine as it was") {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  std::string text = GENERATE(as<std::string>{}, "", "text", std::string("\0\xff\0", 3),
                              std::string(100000, 'x'));
  payload data{text};
  std::vector<char> bytes;
  caf::binary_serializer sink{sys, bytes};
  REQUIRE(!sink(data));
  payload loaded{"something else"};
  caf::binary_deserializer source{sys, bytes};
  REQUIRE(!source(loaded));
  CHECK(loaded == data);
}
