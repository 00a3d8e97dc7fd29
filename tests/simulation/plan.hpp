#pragma once

// What one seed decides before its run begins: who takes part, what they do, how often, within
// which limits, and what goes wrong. Each seed leaves some of it out and exaggerates other parts
// (swarm testing), so that rare things meet.

#include "pipeactor/options.hpp"
#include "pipeactor/simulated_options.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace simulation {

/// What can happen in a step: X(name).
#define SIMULATION_OPERATIONS(X)                                                                   \
  /* -- foreign clients */                                                                         \
  X(foreign_connect)                                                                               \
  X(foreign_send)                                                                                  \
  X(foreign_receive)                                                                               \
  X(foreign_stall)                                                                                 \
  X(foreign_half_close)                                                                            \
  X(foreign_close)                                                                                 \
  X(foreign_abort)                                                                                 \
  X(foreign_too_large)                                                                             \
  /* -- connections of ours, at either end */                                                      \
  X(connect)                                                                                       \
  X(write)                                                                                         \
  X(burst)                                                                                         \
  X(read)                                                                                          \
  X(close)                                                                                         \
  X(drain)                                                                                         \
  X(drop)                                                                                          \
  X(exit)                                                                                          \
  X(release)                                                                                       \
  /* -- coordinators */                                                                            \
  X(broadcast)                                                                                     \
  X(stop_server)                                                                                   \
  X(start_server)                                                                                  \
  X(stop_clients)                                                                                  \
  X(statistics)                                                                                    \
  /* -- time */                                                                                    \
  X(wait)                                                                                          \
  X(jump)

#define SIMULATION_DECLARE(name) name,
enum class operation : uint8_t { SIMULATION_OPERATIONS(SIMULATION_DECLARE) };
#undef SIMULATION_DECLARE

#define SIMULATION_COUNT(name) +1
constexpr size_t num_operations = 0 SIMULATION_OPERATIONS(SIMULATION_COUNT);
#undef SIMULATION_COUNT

struct plan {
  uint64_t seed = 0;
  size_t steps = 0;
  /// Clients at a time, foreign ones and ours.
  size_t most_clients = 0;
  /// How often each operation is chosen, compared with the others.
  std::array<uint32_t, num_operations> weights{};
  /// Sessions take the events; else handler actors do.
  bool server_sessions = false;
  bool client_sessions = false;
  /// Of what handlers do with a message: they keep it, answer it, close the connection, let it
  /// drain, fail (sessions only), each once in so many messages; 0: never.
  uint32_t keeps = 0;
  uint32_t answers = 0;
  uint32_t closes = 0;
  uint32_t drains = 0;
  uint32_t fails = 0;
  /// The longest body of a frame.
  size_t longest_body = 0;
  size_t server_memory = 0;
  size_t client_memory = 0;
  pipeactor::simulated_options network;
  pipeactor::server_options server;
  pipeactor::client_options client;
};

/// Returns the plan of a seed.
plan draw(uint64_t seed);

/// Returns the names of the operations and faults that a plan makes use of.
std::vector<std::string> parts_of(const plan& p);

/// Takes an operation or a fault out of a plan.
/// @returns false if there is none of that name
bool leave_out(plan& p, const std::string& part);

} // namespace simulation
