#include "simulated_helpers.hpp"

#include <algorithm>
#include <set>

using namespace simulated_helpers;

namespace {

struct outcome {
  /// Everything, in the order in which it was reported.
  lines all;
  /// What each pipe has read and how that ended.
  std::map<uint64_t, lines> reads;
};

/// Runs three connections that read and write, under a seed.
outcome run(uint64_t seed) {
  constexpr size_t connections = 3;
  constexpr size_t rounds = 3;
  auto options = small_pipe(100, 20);
  options.seed = seed;
  world w{options};
  std::vector<simulated_client_ptr> clients;
  for (size_t index = 0; index < connections; ++index) {
    auto [client, pipe] = w.pair();
    w.port->start_reading(*pipe);
    clients.push_back(client);
  }
  for (size_t round = 0; round < rounds; ++round) {
    for (auto& client : clients)
      for (auto text : {"a", "b", "c"})
        client->send(text + std::to_string(round));
    for (auto& pipe : w.pipes)
      w.write(pipe, "x");
    w.turn();
  }
  for (auto& client : clients)
    client->abort();
  w.turn();
  outcome result{w.events.all, w.events.of};
  auto was_sent = [](auto& event) { return event == "sent 1"; };
  for (auto& [id, events] : result.reads)
    events.erase(std::remove_if(events.begin(), events.end(), was_sent), events.end());
  return result;
}

} // namespace

TEST_CASE("simulated port: a run is repeated by its seed", "[simulated]") {
  auto seed = GENERATE(range(1, 6));
  CHECK(run(seed).all == run(seed).all);
}

TEST_CASE("simulated port: seeds change the order between pipes, and not that of one pipe",
          "[simulated]") {
  constexpr uint64_t seeds = 10;
  auto reads = run(1).reads;
  std::set<lines> runs;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    auto result = run(seed);
    CHECK(result.reads == reads);
    runs.insert(result.all);
  }
  CHECK(runs.size() == seeds);
}
