#include "plan.hpp"

#include "dice.hpp"

#include <algorithm>
#include <utility>

namespace simulation {

namespace {

using pipeactor::simulated_faults;

#define SIMULATION_NAME(name) #name,
constexpr const char* operation_names[] = {SIMULATION_OPERATIONS(SIMULATION_NAME)};
#undef SIMULATION_NAME

#define SIMULATION_FAULT(name)                                                                     \
  { #name, &simulated_faults::name }
constexpr std::pair<const char*, uint32_t simulated_faults::*> faults[] = {
  SIMULATION_FAULT(late_completions),  SIMULATION_FAULT(short_writes),
  SIMULATION_FAULT(slow_closes),       SIMULATION_FAULT(cuts),
  SIMULATION_FAULT(failed_sends),      SIMULATION_FAULT(failed_receives),
  SIMULATION_FAULT(exhausted_accepts), SIMULATION_FAULT(aborted_accepts),
  SIMULATION_FAULT(dead_listeners),    SIMULATION_FAULT(failed_listens),
  SIMULATION_FAULT(busy_names),        SIMULATION_FAULT(failed_connects),
};
#undef SIMULATION_FAULT

using std::chrono::milliseconds;

void draw_connections(dice& d, pipeactor::connection_options& o, pipeactor::pipe_mode mode) {
  o.mode = mode;
  o.continuously_read = !d.one_in(4);
  o.message_buffer_size = d.of({size_t{1}, size_t{7}, size_t{64}, size_t{1000}, size_t{131072}});
  o.max_message_size = d.one_in(3) ? 100 + d.below(2000) : 0;
  o.read_queue_messages = d.one_in(3) ? 4096 : 1 + d.below(6);
  o.read_queue_bytes = d.one_in(3) ? 4 << 20 : 1 + d.below(3000);
  o.write_queue_messages = d.one_in(3) ? 65536 : 1 + d.below(10);
  o.write_queue_bytes = d.one_in(3) ? 16 << 20 : 1 + d.below(5000);
  o.write_queue_policy = static_cast<pipeactor::write_queue_policy>(d.below(3));
}

} // namespace

plan draw(uint64_t seed) {
  dice d{seed};
  plan p;
  p.seed = seed;
  p.steps = d.of({size_t{30}, size_t{100}, size_t{300}, size_t{600}});
  p.most_clients = 1 + d.below(d.one_in(4) ? 30 : 5);
  for (auto& weight : p.weights)
    weight = d.of({0U, 1U, 1U, 4U, 16U});
  for (auto seldom : {operation::stop_server, operation::stop_clients, operation::close,
                      operation::jump, operation::exit, operation::drop})
    p.weights[static_cast<size_t>(seldom)] = d.of({0U, 0U, 1U});
  p.server_sessions = d.one_in(2);
  p.client_sessions = d.one_in(2);
  p.keeps = d.of({0U, 1U, 3U, 10U});
  p.answers = d.of({0U, 1U, 2U, 10U});
  p.closes = d.of({0U, 0U, 20U, 100U});
  p.drains = d.of({0U, 0U, 20U, 100U});
  p.fails = d.of({0U, 0U, 20U, 100U});
  p.longest_body = d.of({size_t{0}, size_t{30}, size_t{500}, size_t{9000}});
  p.server_memory = d.one_in(2) ? size_t{1} << 30 : 1 + d.below(30000);
  p.client_memory = d.one_in(2) ? size_t{1} << 30 : 1 + d.below(30000);

  p.network.seed = seed;
  p.network.largest_message = 10000;
  p.network.pipe_capacity_bytes = 1 + d.below(d.one_in(3) ? 200000 : 3000);
  p.network.pipe_capacity_messages = 1 + d.below(d.one_in(3) ? 256 : 10);
  p.network.split_reads = d.one_in(2);
  if (!d.one_in(5))
    for (auto& [name, fault] : faults)
      p.network.faults.*fault = d.of({0U, 0U, 3U, 20U, 200U});

  auto mode = d.one_in(3) ? pipeactor::pipe_mode::byte : pipeactor::pipe_mode::message;
  p.server.pipe_name = "svc";
  p.server.num_threads = 1 + d.below(3);
  p.server.pending_instances = 1 + d.below(d.one_in(3) ? 64 : 3);
  draw_connections(d, p.server, mode);
  p.client.num_threads = 1 + d.below(2);
  draw_connections(d, p.client, mode);
  // A message that is too long ends its connection: not too often.
  for (auto limit : {p.server.max_message_size, p.client.max_message_size})
    if (limit != 0 && !d.one_in(4))
      p.longest_body = std::min(p.longest_body, limit - 50);
  if (!d.one_in(3)) {
    auto& r = p.client.reconnect.emplace();
    r.initial_delay = milliseconds{1 + d.below(200)};
    r.max_delay = r.initial_delay + milliseconds{d.below(1000)};
    // Not by chance, but only the library's own: no seed decides about it.
    r.jitter = 0;
    r.max_attempts = d.one_in(3) ? 1 + d.below(8) : 0;
    r.writes = static_cast<pipeactor::offline_writes>(d.below(2));
  }
  return p;
}

std::vector<std::string> parts_of(const plan& p) {
  std::vector<std::string> result;
  for (auto& [name, fault] : faults)
    if (p.network.faults.*fault != 0)
      result.emplace_back(name);
  for (size_t i = 0; i < num_operations; ++i)
    if (p.weights[i] != 0)
      result.emplace_back(operation_names[i]);
  return result;
}

bool leave_out(plan& p, const std::string& part) {
  for (auto& [name, fault] : faults)
    if (part == name) {
      p.network.faults.*fault = 0;
      return true;
    }
  for (size_t i = 0; i < num_operations; ++i)
    if (part == operation_names[i]) {
      p.weights[i] = 0;
      return true;
    }
  return false;
}

} // namespace simulation
