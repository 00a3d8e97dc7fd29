#include "port/windows/pipe_name.hpp"

#include "pipeactor/error.hpp"

#include <catch2/catch.hpp>

using namespace pipeactor;
using namespace pipeactor::port;

static errc flaw_of(const std::string& name) {
  auto path = pipe_path(name);
  return path ? errc::none : code_of(path.error());
}

TEST_CASE("a leaf name stands for a name in the system's folder of pipes") {
  CHECK(pipe_path("MyService") == std::string{"\\\\.\\pipe\\MyService"});
  CHECK(pipe_path("a name with: odd*letters?") == "\\\\.\\pipe\\a name with: odd*letters?");
  CHECK(pipe_path("\\\\.\\pipe\\MyService") == std::string{"\\\\.\\pipe\\MyService"});
  CHECK(pipe_path("gr\xc3\xbc\xc3\x9f") == "\\\\.\\pipe\\gr\xc3\xbc\xc3\x9f");
}

TEST_CASE("a pipe name that Windows would change, or not take, is refused") {
  CHECK(flaw_of("") == errc::missing_pipe_name);
  for (auto name : {"a\\b", "a/b", "\\\\.\\pipe\\a\\b", "\\\\host\\pipe\\a", ".", "..", ".hidden",
                    "a.", "a ", "a\nb"}) {
    INFO(name);
    CHECK(flaw_of(name) == errc::invalid_pipe_name);
  }
  CHECK(flaw_of(std::string{"a\0b", 3}) == errc::invalid_pipe_name);
}

TEST_CASE("a pipe's path may have 256 bytes") {
  CHECK(flaw_of(std::string(247, 'a')) == errc::none);
  CHECK(flaw_of(std::string(248, 'a')) == errc::pipe_name_too_long);
}
