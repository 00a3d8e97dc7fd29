#include "pipeactor/cookie.hpp"
#include "pipeactor/error.hpp"
#include "pipeactor/messages.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

using namespace pipeactor;

TEST_CASE("a cookie is empty by default") {
  cookie none;
  CHECK(none.empty());
  CHECK(none.get_if<int32_t>() == nullptr);
  CHECK(none.get_if<std::string>() == nullptr);
}

TEST_CASE("a cookie gives its value back if asked for its type") {
  auto number = cookie::of(int32_t{42});
  CHECK_FALSE(number.empty());
  REQUIRE(number.get_if<int32_t>() != nullptr);
  CHECK(*number.get_if<int32_t>() == 42);
  CHECK(number.get_if<int64_t>() == nullptr);
  CHECK(number.get_if<std::string>() == nullptr);
  auto text = cookie::of(std::string{"request 7"});
  REQUIRE(text.get_if<std::string>() != nullptr);
  CHECK(*text.get_if<std::string>() == "request 7");
}

TEST_CASE("a cookie may be an actor") {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  caf::scoped_actor self{sys};
  auto who = cookie::of(caf::actor{self});
  REQUIRE(who.get_if<caf::actor>() != nullptr);
  CHECK(*who.get_if<caf::actor>() == caf::actor{self});
}

TEST_CASE("copies of a cookie share the value") {
  auto original = cookie::of(std::string{"shared"});
  auto copy = original;
  CHECK(copy.get_if<std::string>() == original.get_if<std::string>());
  original = cookie{};
  CHECK(original.empty());
  CHECK(*copy.get_if<std::string>() == "shared");
}

TEST_CASE("a cookie of bytes arrives on another machine as it was, and no other does") {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  auto round_trip = [&](cookie value) {
    std::vector<char> bytes;
    caf::binary_serializer sink{sys, bytes};
    REQUIRE(!sink(value));
    auto result = cookie::of(std::string{"something else"});
    caf::binary_deserializer source{sys, bytes};
    REQUIRE(!source(result));
    return result;
  };
  CHECK(round_trip(cookie{}).empty());
  for (auto& bytes : {std::string{"opaque\0bytes", 12}, std::string{}}) {
    auto value = cookie::of(payload{bytes});
    CHECK_FALSE(value.check_portable());
    auto loaded = round_trip(value);
    CHECK_FALSE(loaded.check_arrival());
    REQUIRE(loaded.get_if<payload>() != nullptr);
    CHECK(loaded.get_if<payload>()->text() == bytes);
  }
  auto value = cookie::of(std::string{"not bytes"});
  CHECK(code_of(value.check_portable()) == errc::cookie_not_portable);
  auto loaded = round_trip(value);
  CHECK(loaded.get_if<std::string>() == nullptr);
  CHECK(code_of(loaded.check_arrival()) == errc::cookie_not_portable);
  // On its way back it is as lost as before.
  CHECK(code_of(round_trip(loaded).check_arrival()) == errc::cookie_not_portable);
}
