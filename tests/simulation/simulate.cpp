// A server and foreign clients in a world that one seed decides: simulate FIRST COUNT [--history].
// Each run is made twice, and both must have the same history.

#include "pipeactor/all.hpp"
#include "pipeactor/simulated_network.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace pipeactor;

namespace {

/// What the rules allow, compared with each event.
struct model {
  struct connection {
    int next_received = 0;
    std::map<int, int> answers; // of each cookie
    bool ended = false;
  };

  void broken(const std::string& rule) {
    if (failure.empty())
      failure = rule;
    history.push_back("BROKEN " + rule);
  }

  void note(uint64_t id, const std::string& line) {
    // Ids go on from run to run.
    auto number = numbers.emplace(id, numbers.size()).first->second;
    history.push_back(std::to_string(number) + " " + line);
  }

  void answered(uint64_t id, const cookie& c, const char* how) {
    auto* number = c.get_if<int>();
    if (number == nullptr)
      return broken("an operation came back without its cookie");
    note(id, std::string{how} + " " + std::to_string(*number));
    if (++of[id].answers[*number] != 1)
      broken("a cookie came back twice");
  }

  std::map<uint64_t, connection> of;
  std::map<uint64_t, size_t> numbers;
  std::vector<std::string> history;
  std::string failure;
  int next_cookie = 0;
};

caf::behavior echo(caf::event_based_actor*, model* m) {
  return caf::message_handler{
    [=](const server_ready&) {},
    [=](const client_connected& e) { m->note(e.connection.id(), "connected"); },
    [=](const client_message_received& e) {
      auto id = e.connection.id();
      auto& c = m->of[id];
      auto number = std::atoi(std::string{e.data.text()}.c_str());
      m->note(id, "received " + std::to_string(number));
      if (c.ended)
        m->broken("a message came after the end");
      if (number != c.next_received++)
        m->broken("a message was lost, doubled or out of order");
      c.answers[m->next_cookie] = 0;
      e.connection.async_write(e.data, cookie::of(m->next_cookie++));
    },
    [=](const client_message_sent& e) {
      if (m->of[e.connection.id()].ended)
        m->broken("a write was reported sent after the end");
      m->answered(e.connection.id(), e.cookie, "sent");
    },
    [=](const client_message_failed& e) { m->answered(e.connection.id(), e.cookie, "failed"); },
    [=](const client_disconnected& e) {
      m->note(e.connection_id, "disconnected " + to_string(code_of(e.reason)));
      if (std::exchange(m->of[e.connection_id].ended, true))
        m->broken("client_disconnected came twice");
    }};
}

struct far_end {
  simulated_client_ptr client;
  int sent = 0;
  int received = 0;
};

model run(uint64_t seed) {
  model m;
  std::mt19937_64 dice{seed};
  auto pick = [&](size_t n) { return static_cast<size_t>(dice() % n); };
  simulated_options net;
  net.seed = seed;
  net.pipe_capacity_bytes = 1 + pick(4000);
  net.pipe_capacity_messages = 1 + pick(20);
  auto network = std::make_shared<simulated_network>(net);
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("testing"));
  caf::actor_system sys{config};
  auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  {
    context_options stepped;
    stepped.make_port = simulated_ports(network);
    stepped.run_threads = false;
    context ctx{sys, stepped};
    server_options options;
    options.pipe_name = "svc";
    options.read_queue_messages = 1 + pick(8);
    options.write_queue_messages = 1 + pick(8);
    auto server = ctx.spawn_server(options, sys.spawn(echo, &m));
    caf::anon_send(server.actor(), start{});
    auto turn = [&] {
      ctx.turn();
      for (auto n = pick(20); n > 0 && scheduler.try_run_once(); --n) {
      }
    };
    for (int i = 0; i < 40; ++i)
      turn();
    std::vector<far_end> clients;
    for (auto steps = 50 + pick(200); steps > 0; --steps) {
      if (clients.empty() || pick(20) == 0) {
        if (auto c = network->connect("svc", pipe_mode::message, this_process()))
          clients.push_back({*c});
      } else {
        auto& c = clients[pick(clients.size())];
        auto what = pick(40);
        if (what == 0)
          c.client->close();
        else if (what == 1)
          c.client->abort();
        else if (what < 20 && c.client->send(std::to_string(c.sent)) == simulated_send::sent)
          ++c.sent;
        else if (what >= 20)
          if (auto text = c.client->receive())
            m.note(0, "echo " + *text);
      }
      turn();
    }
    for (auto& c : clients)
      c.client->close();
    for (int i = 0; i < 200; ++i) {
      ctx.turn();
      scheduler.run();
    }
    caf::anon_send(server.actor(), stop{});
    for (int i = 0; i < 50; ++i) {
      ctx.turn();
      scheduler.run();
    }
    for (auto& [id, c] : m.of) {
      if (!c.ended)
        m.broken("a connection never ended: " + std::to_string(m.numbers[id]));
      for (auto& [number, times] : c.answers)
        if (times != 1)
          m.broken("a cookie did not come back: " + std::to_string(number));
    }
  }
  scheduler.run();
  return m;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3)
    return std::fputs("usage: simulate FIRST COUNT [--history]\n", stderr), 2;
  auto first = std::strtoull(argv[1], nullptr, 10);
  auto count = std::strtoull(argv[2], nullptr, 10);
  int failed = 0;
  size_t lines = 0;
  for (auto seed = first; seed < first + count; ++seed) {
    auto m = run(seed);
    lines += m.history.size();
    if (m.history != run(seed).history)
      m.broken("two runs of one seed differ");
    if (argc > 3)
      for (auto& line : m.history)
        std::puts(line.c_str());
    if (!m.failure.empty() && ++failed)
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), m.failure.c_str());
  }
  std::printf("%llu seeds, %zu events, %d failed\n", count, lines, failed);
  return failed != 0;
}
