// Long work: a session must not hold up its bridge, which serves other clients too. It hands
// the work to an actor on CAF's scheduler, and replies when the result comes.
// (If the work blocks rather than computes, use `self().spawn<caf::detached>(...)`.)
#include <pipeactor/all.hpp>

#include <iostream>
#include <string>

// Counts the primes that are at least `first` and less than the number that is sent.
caf::behavior counter(caf::event_based_actor*, int first) {
  return {[first](int limit) {
    int count = 0;
    for (int n = first; n < limit; ++n) {
      int d = 2;
      while (d * d <= n && n % d != 0)
        ++d;
      count += d * d > n;
    }
    return count;
  }};
}

class prime_session : public pipeactor::session {
  void connected() override {
    worker_ = self().spawn(counter, 2); // the actor ends with the session that holds it
  }

  void message_received(const pipeactor::cookie&, const pipeactor::payload& data) override {
    int limit = std::atoi(std::string{data.text()}.c_str());
    self().request(worker_, caf::infinite, limit).then([this, limit](int count) {
      async_write(
        pipeactor::payload{std::to_string(count) + " primes below " + std::to_string(limit)});
    });
  }

  caf::actor worker_;
};

int main(int argc, char** argv) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  pipeactor::context context{system};
  pipeactor::server_options options;
  options.pipe_name = argc > 1 ? argv[1] : "hand_off";
  auto server = context.spawn_server<prime_session>(options);
  auto ready = server.start();
  if (!ready) {
    std::cerr << pipeactor::describe(ready.error()) << '\n';
    return 1;
  }
  std::cout << "LISTENING " << ready->address << "\nPress return to stop." << std::endl;
  std::cin.get();
}
