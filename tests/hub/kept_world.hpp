#pragma once

#include "hub/world.hpp"
#include "state/state.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace hub_test {

/// A file in a directory of its own, which goes with it.
class state_path {
public:
  state_path();
  state_path(const state_path&) = delete;
  state_path& operator=(const state_path&) = delete;
  ~state_path();

  std::string str() const {
    return (directory_ / "state").string();
  }

  const std::filesystem::path& directory() const {
    return directory_;
  }

private:
  std::filesystem::path directory_;
};

/// A world whose broker has a state file. Its clock goes on when the broker starts again.
class kept_world {
public:
  explicit kept_world(broker_options options = {});

  world* operator->() {
    return world_.get();
  }

  /// Closes the file as at the end of a program, and starts a broker with it.
  void restart();

  /// The same, but the file is as a process leaves it that is killed.
  void crash();

  /// Time goes on while no broker runs.
  void sleep(std::chrono::seconds time) {
    asleep_ = time;
  }

  std::string path() const {
    return path_.str();
  }

private:
  void start();

  state_path path_;
  broker_options options_;
  opened_state kept_;
  std::unique_ptr<world> world_;
  time_point now_{};
  std::chrono::seconds asleep_{0};
};

/// Tells the time of the worlds' clocks.
std::chrono::milliseconds unix_time_of_worlds(time_point at);

} // namespace hub_test
