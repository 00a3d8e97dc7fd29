// CAF's own way to configure: the user chooses on the command line (--pipeactor.threads=2; see
// --long-help) or in CAF's configuration file. CAF_MAIN reads both before it calls caf_main.
#include <pipeactor/all.hpp>

#include <iostream>

struct config : pipeactor::system_config {
  config() {
    opt_group{custom_options_, "global"}.add(name, "name,n", "name of the pipe");
  }

  std::string name = "configured";
};

class echo_session : public pipeactor::session {
  void message_received(const pipeactor::cookie&, const pipeactor::payload& data) override {
    async_write(data);
  }
};

void caf_main(caf::actor_system& system, const config& cfg) {
  pipeactor::context context{system};
  pipeactor::server_options options;
  options.pipe_name = cfg.name;
  auto ready = context.spawn_server<echo_session>(options).start();
  if (!ready) {
    std::cerr << pipeactor::describe(ready.error()) << std::endl;
    return;
  }
  std::cout << "LISTENING " << ready->address << "\nPress return to stop." << std::endl;
  std::cin.get();
}

CAF_MAIN()
