#pragma once

// What one seed decides before its run begins. See docs/testing.md.

#include "session/options.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace simulation::hub {

/// What can happen in a step.
enum class operation : uint8_t {
  /// A client connects, also if its last connection is still open.
  connect,
  /// Bytes of a client arrive at the hub: any number of them.
  arrive,
  /// The system takes writes of the hub.
  take,
  /// A client reads what was taken.
  read,
  /// A client sends acknowledgements.
  answer,
  publish,
  subscribe,
  unsubscribe,
  ping,
  disconnect,
  /// A connection ends, in the middle of whatever is on its way.
  cut,
  wait,
  /// The hub ends its turn.
  flush,
  /// The hub is killed, and begins again.
  crash,
};

constexpr size_t num_operations = 14;

struct plan {
  uint64_t seed = 0;
  size_t steps = 0;
  size_t clients = 0;
  size_t topics = 0;
  /// How often each operation is chosen, compared with the others.
  std::array<uint32_t, num_operations> weights{};
  /// One turn of the hub has one event.
  bool short_turns = false;
  /// The hub has a journal; else all is forgotten with it.
  bool is_kept = false;
  /// Of what clients do, once in so many times; 0: never.
  uint32_t retains = 0;
  uint32_t wills = 0;
  uint32_t expiries = 0;
  uint32_t clean_starts = 0;
  /// The longest padding of a payload.
  size_t padding = 0;
  pipehub::broker_options hub;
};

/// Returns the plan of a seed.
plan draw(uint64_t seed);

} // namespace simulation::hub
