// Fixed work on the simulated port, on one thread, for counting instructions:
//
//     scenarios NAME ROUNDS
//
// instructions_test.py counts what the bridge and the actors do, and not the port. Prints the
// number of messages that were moved.

#include <pipeactor/all.hpp>
#include <pipeactor/simulated_network.hpp>

#include <caf/scheduler/test_coordinator.hpp>

#include <cstdlib>
#include <iostream>

using namespace pipeactor;

#if defined(__GNUC__)
#  define NOT_INLINED __attribute__((noinline))
#else
#  define NOT_INLINED
#endif

/// The part of the work that actors of the scheduler do.
NOT_INLINED void run_scheduler(caf::actor_system& system) {
  dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler()).run();
}

namespace {

[[noreturn]] void fail(const std::string& what) {
  std::cerr << "scenarios: " << what << '\n';
  std::exit(1);
}

struct single_threaded : caf::actor_system_config {
  single_threaded() {
    set("scheduler.policy", caf::atom("testing"));
  }
};

class world {
public:
  world()
      : network_(std::make_shared<simulated_network>(1)),
        context_(system_, options_with(network_)) {}

  context& ctx() {
    return context_;
  }

  caf::actor_system& system() {
    return system_;
  }

  void start(const named_pipe_server& server) {
    caf::anon_send(server.actor(), pipeactor::start{});
    turns();
  }

  simulated_client_ptr connect() {
    peer_identity root; // is always admitted
    root.uid = 0;
    auto client = network_->connect(name, pipe_mode::message, root);
    if (!client)
      fail(describe(client.error()));
    return *client;
  }

  void turns() {
    // More than any scenario needs until everything is still.
    for (auto i = 0; i < 6; ++i) {
      context_.turn();
      run_scheduler(system_);
    }
  }

  static server_options options() {
    server_options result;
    result.pipe_name = name;
    result.pending_instances = 1024;
    return result;
  }

private:
  static constexpr const char* name = "scenario";

  static context_options options_with(std::shared_ptr<simulated_network> network) {
    context_options result;
    result.run_threads = false;
    result.make_port = simulated_ports(std::move(network));
    return result;
  }

  single_threaded config_;
  caf::actor_system system_{config_};
  std::shared_ptr<simulated_network> network_;
  context context_;
};

class echo_session : public session {
  void message_received(const pipeactor::cookie&, const payload& data) override {
    async_write(data);
  }
};

/// Each of `clients` sends `burst` messages a round and reads as many.
size_t exchange(world& w, const named_pipe_server& server, size_t clients, size_t burst,
                size_t rounds) {
  w.start(server);
  std::vector<simulated_client_ptr> connected;
  for (size_t i = 0; i < clients; ++i)
    connected.push_back(w.connect());
  w.turns();
  const std::string message(64, 'x');
  for (size_t round = 0; round < rounds; ++round) {
    for (auto& client : connected)
      for (size_t i = 0; i < burst; ++i)
        client->send(message);
    w.turns();
    for (auto& client : connected)
      for (size_t i = 0; i < burst; ++i)
        if (client->receive() != message)
          fail("a reply is missing");
  }
  return rounds * clients * burst;
}

size_t echo(size_t rounds) {
  world w;
  return exchange(w, w.ctx().spawn_server<echo_session>(world::options()), 64, 1, rounds);
}

size_t echo_bursts(size_t rounds) {
  world w;
  return exchange(w, w.ctx().spawn_server<echo_session>(world::options()), 4, 16, rounds);
}

size_t echo_marshalled(size_t rounds) {
  world w;
  auto echoer = w.system().spawn<caf::hidden>([] {
    return event_handlers(
      [](const client_message_received& e) { e.connection.async_write(e.data); });
  });
  return exchange(w, w.ctx().spawn_server(world::options(), echoer), 64, 1, rounds);
}

size_t broadcast(size_t rounds) {
  constexpr size_t clients = 64;
  world w;
  auto server = w.ctx().spawn_server(world::options());
  w.start(server);
  std::vector<simulated_client_ptr> connected;
  for (size_t i = 0; i < clients; ++i)
    connected.push_back(w.connect());
  w.turns();
  const payload message{std::string(64, 'x')};
  for (size_t round = 0; round < rounds; ++round) {
    server.async_broadcast(message);
    w.turns();
    for (auto& client : connected)
      if (!client->receive())
        fail("a client misses a message");
  }
  return rounds * clients;
}

size_t connections(size_t rounds) {
  constexpr size_t clients = 16;
  world w;
  w.start(w.ctx().spawn_server<echo_session>(world::options()));
  for (size_t round = 0; round < rounds; ++round) {
    std::vector<simulated_client_ptr> connected;
    for (size_t i = 0; i < clients; ++i)
      connected.push_back(w.connect());
    w.turns();
    connected.clear();
    w.turns();
  }
  return rounds * clients;
}

} // namespace

int main(int argc, char** argv) {
  const std::map<std::string, size_t (*)(size_t)> scenarios = {
    {"echo", echo},           {"echo_bursts", echo_bursts}, {"echo_marshalled", echo_marshalled},
    {"broadcast", broadcast}, {"connections", connections},
  };
  auto chosen = argc == 3 ? scenarios.find(argv[1]) : scenarios.end();
  if (chosen == scenarios.end())
    fail("usage: scenarios echo|echo_bursts|echo_marshalled|broadcast|connections ROUNDS");
  std::cout << chosen->second(std::stoul(argv[2])) << std::endl;
}
