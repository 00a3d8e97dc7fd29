#include "contract/stepped_fixture.hpp"

namespace contract {

stepped_fixture::stepped_fixture(const simulated_options& options, context_options limits)
    : network_(std::make_shared<simulated_network>(options)) {
  // Handler actors run on this thread, too, when they are told to.
  config_.set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(config_);
  limits.make_port = simulated_ports(network_);
  limits.run_threads = false;
  context_ = std::make_unique<pipeactor::context>(*system_, std::move(limits));
  self_ = std::make_unique<caf::scoped_actor>(*system_, true);
}

stepped_fixture::~stepped_fixture() {
  log->forget_connections();
  client_log->forget_connections();
  context_ = nullptr;
  scheduler().run();
  // Late events bring handles with them.
  log->forget_connections();
  client_log->forget_connections();
  self_ = nullptr;
}

caf::scheduler::test_coordinator& stepped_fixture::scheduler() {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

// -- time -------------------------------------------------------------------------------------

void stepped_fixture::turn(size_t times) {
  for (; times > 0; --times) {
    context_->turn();
    scheduler().run();
  }
}

void stepped_fixture::advance(std::chrono::nanoseconds by) {
  network_->advance(by);
  scheduler().advance_time(by);
  turn();
}

void stepped_fixture::end_context() {
  context_ = nullptr;
  scheduler().run();
}

// -- servers and clients ----------------------------------------------------------------------

named_pipe_server stepped_fixture::serve(const server_options& options, taker who) {
  auto server = who == taker::session
                  ? context().spawn_server<recording_session>(options, log)
                  : context().spawn_server(options, system().spawn(recording_handler,
                                                                   log_writer{log}, script{}));
  ask_for<server_ready>(server.actor(), start{});
  return server;
}

std::pair<simulated_client_ptr, named_pipe_connection>
stepped_fixture::connect(const server_options& options) {
  peer_identity root; // is always admitted
  root.uid = 0;
  auto connected = log->count("connected");
  log->forget_connections();
  auto client = network_->connect(options.pipe_name, options.mode, root);
  REQUIRE(client);
  turn();
  REQUIRE(log->count("connected") == connected + 1);
  return {*client, log->connection()};
}

named_pipe_connection stepped_fixture::open(const client_options& options, taker who,
                                            const std::string& pipe_name, caf::timespan timeout) {
  auto manager = who == taker::session
                   ? context().spawn_client_manager<recording_session>(options, client_log)
                   : context().spawn_client_manager(options, system().spawn(recording_handler,
                                                                            log_writer{client_log},
                                                                            script{}));
  return ask_for<named_pipe_connection>(manager.actor(), pipeactor::connect{pipe_name, timeout});
}

} // namespace contract
