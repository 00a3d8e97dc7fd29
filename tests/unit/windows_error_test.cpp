#include "port/windows/windows_error.hpp"

#include "pipeactor/error.hpp"

#include <catch2/catch.hpp>

using namespace pipeactor;
using namespace pipeactor::port;

TEST_CASE("Win32 errors keep their code, and have a code of ours if there is one") {
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
