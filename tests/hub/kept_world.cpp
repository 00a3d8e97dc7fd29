#include "hub/kept_world.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

namespace hub_test {

namespace fs = std::filesystem;

state_path::state_path() {
  // In memory, if there is such a directory: each commit waits for the disk.
  auto parent = fs::is_directory("/dev/shm") ? fs::path{"/dev/shm"} : fs::temp_directory_path();
  auto name = (parent / "pipehub-state-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  directory_ = name;
}

state_path::~state_path() {
  fs::remove_all(directory_);
}

std::chrono::milliseconds unix_time_of_worlds(time_point at) {
  constexpr std::chrono::milliseconds in_2026{1'790'000'000'000};
  return in_2026 + std::chrono::duration_cast<std::chrono::milliseconds>(at - time_point{});
}

kept_world::kept_world(broker_options options) : options_(options) {
  start();
}

void kept_world::start() {
  kept_ = open_state(path_.str(), unix_time_of_worlds);
  REQUIRE(kept_.error.empty());
  now_ += std::exchange(asleep_, std::chrono::seconds{0});
  world_ = std::make_unique<world>(options_, *kept_.file, std::move(kept_.contents), now_);
}

void kept_world::restart() {
  now_ = world_->now;
  world_.reset();
  kept_ = {};
  start();
}

void kept_world::crash() {
  now_ = world_->now;
  auto left = path_.directory() / "left";
  fs::create_directory(left);
  for (auto name : {"state", "state-wal"})
    fs::copy_file(path_.directory() / name, left / name);
  world_.reset();
  kept_ = {};
  for (auto name : {"state", "state-wal"})
    fs::rename(left / name, path_.directory() / name);
  fs::remove(left);
  start();
}

} // namespace hub_test
