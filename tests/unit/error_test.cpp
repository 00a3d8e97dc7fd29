#include "pipeactor/error.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <cerrno>
#include <set>
#include <system_error>

using namespace pipeactor;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("every error code has a name and a text of its own") {
  std::set<std::string> names;
  std::set<std::string> texts;
  auto last = static_cast<int>(errc::too_many_connections);
  for (int value = 0; value <= last; ++value) {
    names.insert(to_string(static_cast<errc>(value)));
    texts.insert(describe(static_cast<errc>(value)));
  }
  CHECK(names.size() == static_cast<size_t>(last) + 1);
  CHECK(texts.size() == names.size());
  CHECK(to_string(errc::pipe_in_use) == "pipe_in_use");
  CHECK(describe(errc::pipe_busy) == "too many clients wait for the server: try again");
}

TEST_CASE("a code of a newer version is shown as unknown") {
  CHECK(to_string(static_cast<errc>(200)) == "unknown");
  CHECK(contains(describe(make_error(static_cast<errc>(200))), "newer version"));
}

TEST_CASE("error codes keep their values, which cross machines") {
  CHECK(static_cast<int>(errc::none) == 0);
  CHECK(static_cast<int>(errc::closed_by_us) == 1);
  CHECK(static_cast<int>(errc::handler_failed) == 7);
  CHECK(static_cast<int>(errc::operation_aborted) == 8);
  CHECK(static_cast<int>(errc::cookie_not_portable) == 12);
  CHECK(static_cast<int>(errc::missing_pipe_name) == 13);
  CHECK(static_cast<int>(errc::shutting_down) == 24);
  CHECK(static_cast<int>(errc::os_error) == 25);
  CHECK(static_cast<int>(errc::would_block) == 26);
  CHECK(static_cast<int>(errc::too_many_connections) == 27);
}

TEST_CASE("an error keeps its code, its text and the operating system's code") {
  auto err = make_error(errc::access_denied, "cannot open x", EACCES);
  CHECK(err);
  CHECK(code_of(err) == errc::access_denied);
  CHECK(os_code_of(err) == EACCES);
  auto text = describe(err);
  CHECK(contains(text, "access_denied: cannot open x"));
  CHECK(contains(text, std::system_category().message(EACCES)));
  CHECK(contains(text, "code " + std::to_string(EACCES)));
}

TEST_CASE("an error without an operating system's code says nothing about one") {
  auto err = make_error(errc::invalid_option, "num_threads is 0");
  CHECK(os_code_of(err) == 0);
  CHECK(describe(err) == "invalid_option: num_threads is 0");
}

TEST_CASE("an error without a text has the code's general one") {
  CHECK(contains(describe(make_error(errc::missing_pipe_name)),
                 "cannot start without specifying a pipe name"));
}

TEST_CASE("no error and errors of other libraries have codes of their own") {
  CHECK(code_of(caf::error{}) == errc::none);
  CHECK(os_code_of(caf::error{}) == 0);
  CHECK(describe(caf::error{}) == "no error");
  auto foreign = caf::make_error(caf::sec::request_timeout);
  CHECK(code_of(foreign) == errc::os_error);
  CHECK(os_code_of(foreign) == 0);
  CHECK(contains(describe(foreign), "request_timeout"));
}

TEST_CASE("a copy of an error is the same error") {
  auto err = make_error(errc::os_error, "strange", EIO);
  auto copy = err;
  err = caf::none;
  CHECK(describe(copy) == describe(make_error(errc::os_error, "strange", EIO)));
}

TEST_CASE("an error arrives on another machine as it was") {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  auto err = make_error(errc::pipe_in_use, "held by process 7", EADDRINUSE);
  std::vector<char> bytes;
  caf::binary_serializer sink{sys, bytes};
  REQUIRE(!sink(err));
  caf::error loaded;
  caf::binary_deserializer source{sys, bytes};
  REQUIRE(!source(loaded));
  CHECK(code_of(loaded) == errc::pipe_in_use);
  CHECK(os_code_of(loaded) == EADDRINUSE);
  CHECK(describe(loaded) == describe(err));
}
