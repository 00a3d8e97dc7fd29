#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <mutex>

namespace pipeactor::detail {

namespace {

constexpr const char* logger_name = "pipeactor";

std::shared_ptr<spdlog::logger> logger() {
  // Looked up each time, so that a program may replace it; warnings are rare.
  static std::mutex mutex;
  std::lock_guard<std::mutex> guard{mutex};
  if (auto result = spdlog::get(logger_name))
    return result;
  return spdlog::stderr_logger_mt(logger_name);
}

} // namespace

void log_warning(const std::string& text) noexcept {
  try {
    logger()->warn("{}", text);
  } catch (...) {
    // A log that fails must not take a bridge down.
  }
}

} // namespace pipeactor::detail
