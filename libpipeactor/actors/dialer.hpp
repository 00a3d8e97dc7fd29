#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/error.hpp"
#include "pipeactor/options.hpp"
#include "port/completion_port.hpp"

#include <optional>
#include <random>
#include <string>

namespace pipeactor::detail {

/// Returns whether the error may be temporary, so that trying again makes sense.
bool is_temporary(errc code) noexcept;

/// Opens the pipe of an outgoing connection, and knows when to try. Bridge thread.
class dialer {
public:
  using time_point = port::time_point;

  /// @param timeout how long each attempt asks a server that is busy
  /// @param trusted the users who may own the server
  dialer(std::string pipe_name, caf::timespan timeout, std::optional<reconnect_options> reconnect,
         port::resolved_access trusted);

  offline_writes writes() const noexcept {
    return reconnect_ ? reconnect_->writes : offline_writes::wait;
  }

  /// Connects to the server.
  /// @returns what port.connect() reports, or `errc::access_denied` for one that is not trusted
  caf::expected<port::raw_pipe_ptr> dial(port::completion_port& port, pipe_mode mode);

  /// The server is busy. Returns when to ask it again, or nothing if it was asked long enough.
  std::optional<time_point> ask_again(time_point now);

  /// The connection is made.
  void connected() noexcept;

  /// The connection was lost, or an attempt failed. Returns how long to wait before the next
  /// attempt, or nothing if that would be of no use or was not asked for.
  std::optional<caf::timespan> next_attempt(const caf::error& reason);

private:
  std::string pipe_name_;
  caf::timespan timeout_;
  std::optional<reconnect_options> reconnect_;
  port::resolved_access trusted_;
  /// Of this attempt; set by the first answer that the server is busy.
  std::optional<time_point> deadline_;
  port::clock::duration backoff_{0};
  std::chrono::milliseconds delay_{0};
  size_t attempts_ = 0;
  std::minstd_rand random_;
};

} // namespace pipeactor::detail
