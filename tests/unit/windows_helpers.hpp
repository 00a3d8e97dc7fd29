#pragma once

// What tests of the named pipes of Win32 share.

#include "port/windows/windows_pipe.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace windows_helpers {

using namespace pipeactor;
using namespace pipeactor::port;

/// Returns a request for a name that no other process has: Wine's pipes outlive a test program.
inline listen_request request_for(const std::string& name, pipe_mode mode = pipe_mode::message) {
  listen_request result;
  result.pipe_name = name + "-" + std::to_string(GetCurrentProcessId());
  result.mode = mode;
  return result;
}

inline instance_settings settings_for(const listen_request& request) {
  auto result = make_instance_settings(request);
  REQUIRE(result);
  return std::move(*result);
}

/// Writes what fits into the pipe.
inline void write_now(HANDLE pipe, const std::string& text) {
  OVERLAPPED overlapped = {};
  REQUIRE(WriteFile(pipe, text.data(), static_cast<DWORD>(text.size()), nullptr, &overlapped));
}

} // namespace windows_helpers
