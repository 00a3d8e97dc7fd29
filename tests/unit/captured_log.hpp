#pragma once

// What the library logs, for tests. A test that includes this has to mean the library's spdlog:
// see CMakeLists.txt.

#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <vector>

/// Takes the library's log over while it lives.
class captured_log {
public:
  captured_log() : before_(spdlog::get(name)) {
    spdlog::drop(name);
    spdlog::register_logger(std::make_shared<spdlog::logger>(name, sink_));
  }

  captured_log(const captured_log&) = delete;
  captured_log& operator=(const captured_log&) = delete;

  ~captured_log() {
    spdlog::drop(name);
    if (before_ != nullptr)
      spdlog::register_logger(before_);
  }

  /// Returns what was logged so far.
  std::vector<std::string> lines() const {
    return sink_->last_formatted();
  }

private:
  static constexpr const char* name = "pipeactor";
  static constexpr size_t most_lines = 100;

  std::shared_ptr<spdlog::logger> before_;
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> sink_
    = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(most_lines);
};
