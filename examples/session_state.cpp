// State per client: each client has a session object of its own, which counts the messages of
// that client and knows who is at the other end.
#include <pipeactor/all.hpp>

#include <iostream>
#include <string>

class counting_session : public pipeactor::session {
  void connected() override {
    auto peer = connection().peer();
    async_write(pipeactor::payload{"hello, " + (peer ? to_string(*peer) : "stranger")});
  }

  void message_received(const pipeactor::cookie&, const pipeactor::payload& data) override {
    ++messages_;
    bytes_ += data.size();
    async_write(pipeactor::payload{"message " + std::to_string(messages_) + ", "
                                   + std::to_string(bytes_) + " bytes so far"});
  }

  void disconnected(const caf::error& reason) override {
    std::cout << "a client sent " << messages_
              << " messages and left: " << pipeactor::describe(reason) << std::endl;
  }

  size_t messages_ = 0;
  size_t bytes_ = 0;
};

int main(int argc, char** argv) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  pipeactor::context context{system};
  pipeactor::server_options options;
  options.pipe_name = argc > 1 ? argv[1] : "session_state";
  auto server = context.spawn_server<counting_session>(options);
  auto ready = server.start();
  if (!ready) {
    std::cerr << pipeactor::describe(ready.error()) << '\n';
    return 1;
  }
  std::cout << "LISTENING " << ready->address << "\nPress return to stop." << std::endl;
  std::cin.get();
}
