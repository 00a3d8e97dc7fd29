// Back-pressure by manual reads: the session reads the next message when the reply to the last
// one is sent. Meanwhile the client's messages wait in the pipe, not in our memory.
#include <pipeactor/all.hpp>

#include <algorithm>
#include <iostream>
#include <string>

class one_at_a_time : public pipeactor::session {
  void connected() override {
    async_read();
  }

  void message_received(const pipeactor::cookie&, const pipeactor::payload& data) override {
    std::string reply{data.text()};
    std::reverse(reply.begin(), reply.end());
    async_write(pipeactor::payload{reply});
  }

  void message_sent(const pipeactor::cookie&) override {
    async_read();
  }
};

int main(int argc, char** argv) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  pipeactor::context context{system};
  pipeactor::server_options options;
  options.pipe_name = argc > 1 ? argv[1] : "manual_reads";
  options.continuously_read = false;
  auto server = context.spawn_server<one_at_a_time>(options);
  auto ready = server.start();
  if (!ready) {
    std::cerr << pipeactor::describe(ready.error()) << '\n';
    return 1;
  }
  std::cout << "LISTENING " << ready->address << "\nPress return to stop." << std::endl;
  std::cin.get();
}
