// A program without actors: the library calls its callbacks on the main thread.
#include <pipeactor/all.hpp>

#include <iostream>
#include <thread>

int main(int argc, char** argv) {
  pipeactor::message_loop loop;
  pipeactor::server_options options;
  options.pipe_name = argc > 1 ? argv[1] : "plain_host";
  int messages = 0;
  pipeactor::server_callbacks on;
  on.client_message_received = [&](const pipeactor::client_message_received& e) {
    e.connection.async_write(pipeactor::payload{"message " + std::to_string(++messages)});
  };
  auto ready = loop.spawn_server(options, on).start();
  if (!ready) {
    std::cerr << pipeactor::describe(ready.error()) << '\n';
    return 1;
  }
  std::cout << "LISTENING " << ready->address << "\nPress return to stop." << std::endl;
  std::thread keyboard{[&] {
    std::cin.get();
    loop.leave_message_loop();
  }};
  loop.enter_message_loop();
  keyboard.join();
  std::cout << messages << " messages in all" << std::endl;
}
