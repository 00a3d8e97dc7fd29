#include "contract/fixture.hpp"

#include "pipeactor/simulated_network.hpp"
#include "port/completion_port.hpp"

#include <caf/io/middleman.hpp>

#include <atomic>

namespace contract {

port_fixture::port_fixture(port_kind port, context_options options, place where)
    : which_(Catch::MessageBuilder("INFO", CATCH_INTERNAL_LINEINFO, Catch::ResultWas::Info)
             << "port: " << to_string(port)),
      kind_(port) {
  // Several, also on a small machine: cases need handlers that wait for each other.
  config_.set("scheduler.max-threads", 4);
  if (where == place::node) {
    add_message_types(config_);
    config_.load<caf::io::middleman>();
  }
  system_ = std::make_unique<caf::actor_system>(config_);
  options.port = port;
  if (port == port_kind::simulated) {
    network_ = real_time_network();
    options.make_port = simulated_ports(network_);
  }
  context_ = std::make_unique<pipeactor::context>(*system_, options);
  self_ = std::make_unique<caf::scoped_actor>(*system_, true);
}

port_factory port_fixture::ports() const {
  if (kind_ == port_kind::simulated)
    return simulated_ports(network_);
  return [kind = kind_] { return port::make_completion_port(kind, {}); };
}

port_fixture::~port_fixture() {
  // The context ends with connections that nobody holds.
  log->forget_connections();
  client_log->forget_connections();
  end_system();
}

void port_fixture::end_context() {
  witness_ = nullptr;
  context_ = nullptr;
  // Handlers run on the scheduler: one that answers has handled all that was sent to it
  // before.
  for (auto& handler : handlers_)
    self()
      ->request(handler, patience, std::string{"end of context"})
      .receive([] {}, [](const caf::error&) {});
}

void port_fixture::end_system() {
  end_context();
  // CAF cannot release an actor after its system.
  log->forget_connections();
  client_log->forget_connections();
  self_ = nullptr;
  handlers_.clear();
  for (auto& worker : std::exchange(workers_, {}))
    caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
  system_ = nullptr;
}

// -- servers ----------------------------------------------------------------------------------

server_options port_fixture::options() const {
  server_options result;
  result.pipe_name = unused_name();
  result.pending_instances = 64;
  return result;
}

server_options port_fixture::options(pipe_access access) const {
  auto result = options();
  result.access = std::move(access);
  if (kind_ == port_kind::io_uring || kind_ == port_kind::epoll)
    result.pipe_name.insert(0, "/tmp/pipeactor-");
  return result;
}

caf::actor port_fixture::spawn_handler(const script& todo) {
  handlers_.push_back(system().spawn(recording_handler, log_writer{log}, todo));
  return handlers_.back();
}

running_server port_fixture::serve(const server_options& options, taker who, const script& todo) {
  if (who == taker::session)
    return serve<recording_session>(options, log, todo);
  return started(context().spawn_server(options, spawn_handler(todo)), options);
}

namespace {

class echo_session final : public session {
public:
  void message_received(const pipeactor::cookie&, const payload& data) override {
    async_write(data);
  }
};

} // namespace

running_server port_fixture::serve_echo() {
  return serve<echo_session>(options());
}

running_server port_fixture::started(named_pipe_server server, const server_options& options) {
  auto ready = server.start(patience);
  if (!ready)
    FAIL("a server does not start: " << describe(ready.error()));
  return {std::move(server), std::move(*ready), options};
}

caf::actor port_fixture::ended_with_system(caf::actor worker) {
  workers_.push_back(worker);
  return worker;
}

// -- clients ----------------------------------------------------------------------------------

client_ptr port_fixture::connect(const running_server& server) {
  auto mode = server.options.mode;
  peer_identity root; // is always admitted
  root.pid = pid_of_clients;
  root.uid = 0;
  auto result = kind_ == port_kind::simulated
                  ? connect_over_network(*network_, server.ready.pipe_name, mode, root)
                  : connect_to(server.ready.address, mode);
  REQUIRE(result != nullptr);
  return result;
}

std::pair<client_ptr, named_pipe_connection>
port_fixture::connect_and_wait(const running_server& server, size_t index) {
  auto client = connect(server);
  auto connection = log->connection(index);
  REQUIRE(connection);
  return {client, connection};
}

namespace {

peer_identity somebody(int64_t uid, int64_t gid, std::vector<int64_t> groups) {
  peer_identity result;
  result.pid = pid_of_clients;
  result.uid = uid;
  result.gid = gid;
  result.groups = std::move(groups);
  return result;
}

} // namespace

client_ptr port_fixture::connect_as(const running_server& server, int64_t uid, int64_t gid,
                                    std::vector<int64_t> groups) {
  REQUIRE(network_ != nullptr);
  auto result = connect_over_network(*network_, server.ready.pipe_name, server.options.mode,
                                     somebody(uid, gid, std::move(groups)));
  REQUIRE(result != nullptr);
  return result;
}

client_ptr port_fixture::connect_as_stranger(const running_server& server) {
  return connect_as(server, stranger, stranger);
}

void port_fixture::become_server_of(int64_t uid, int64_t gid, std::vector<int64_t> groups) {
  REQUIRE(network_ != nullptr);
  network_->identify_servers(somebody(uid, gid, std::move(groups)));
}

named_pipe_client_manager port_fixture::manage(const client_options& options, taker who,
                                               const script& todo) {
  if (who == taker::session)
    return context().spawn_client_manager<recording_session>(options, client_log, todo);
  handlers_.push_back(system().spawn(recording_handler, log_writer{client_log}, todo));
  return context().spawn_client_manager(options, handlers_.back());
}

named_pipe_connection port_fixture::open(const named_pipe_client_manager& manager,
                                         const std::string& pipe_name, caf::timespan timeout) {
  auto connection = manager.connect(pipe_name, timeout);
  if (!connection)
    FAIL("a client manager does not connect: " << describe(connection.error()));
  return std::move(*connection);
}

// -- states that are hard to see --------------------------------------------------------------

void port_fixture::let_bridge_turn() {
  if (witness_ == nullptr)
    witness_ = connect(serve_echo());
  for (int round = 0; round < 3; ++round) {
    REQUIRE(witness_->send("x"));
    REQUIRE(witness_->receive() == "x");
  }
}

size_t port_fixture::send_until_blocked(test_client& client, std::string_view message,
                                        size_t most) {
  size_t taken = 0;
  for (size_t count = 0; count < most; ++count) {
    if (client.try_send(message, taken) != send_result::would_block)
      continue;
    // The server may only be slower than the client.
    let_bridge_turn();
    if (client.try_send(message, taken) == send_result::would_block)
      return count;
  }
  return most;
}

void port_fixture::fill(const named_pipe_connection& connection, const payload& block) {
  constexpr size_t burst = 8;
  for (size_t failed = 0;;) {
    for (size_t i = 0; i < burst; ++i)
      connection.async_write(block);
    // The system may take some of what waits, and then there is room again.
    let_bridge_turn();
    auto stats = ask_for<connection_stats>(connection.actor(), get_stats{});
    REQUIRE(stats);
    if (stats->messages_failed == failed + burst)
      return;
    failed = stats->messages_failed;
  }
}

std::shared_ptr<simulated_network> real_time_network() {
  simulated_options settings;
  settings.clock = simulated_clock::real_time;
  return std::make_shared<simulated_network>(settings);
}

std::string unused_name() {
  static const auto process = std::chrono::system_clock::now().time_since_epoch().count();
  static std::atomic<int> last{0};
  return "contract-" + std::to_string(process) + "-" + std::to_string(++last);
}

std::string pattern(size_t size, unsigned seed) {
  std::string result(size, '\0');
  auto x = seed * 2654435761U + 12345U;
  for (auto& c : result) {
    x = x * 1664525U + 1013904223U;
    c = static_cast<char>(x >> 24);
  }
  return result;
}

} // namespace contract
