#include "contract/fixture.hpp"

#include "port/completion_port.hpp"

#include "pipeactor/simulated_network.hpp"

#include <caf/io/middleman.hpp>

#include <atomic>

namespace contract {

namespace {

/// Returns whether the port can be had here: each system has its own, and containers refuse
/// io_uring.
bool is_available(port_kind kind) {
  if (kind == port_kind::simulated)
    return true;
  auto port = port::make_completion_port(kind, 0us);
  if (!port && code_of(port.error()) != errc::not_supported)
    WARN("not tested here: " << to_string(kind) << ": " << describe(port.error()));
  return static_cast<bool>(port);
}

std::string next_name() {
  static const auto process = std::chrono::system_clock::now().time_since_epoch().count();
  static std::atomic<int> last{0};
  return "contract-" + std::to_string(process) + "-" + std::to_string(++last);
}

} // namespace

std::vector<port_kind> ports_under_test() {
  static const auto result = [] {
    std::vector<port_kind> kinds;
    for (auto kind : {port_kind::io_uring, port_kind::epoll, port_kind::iocp, port_kind::simulated})
      if (is_available(kind))
        kinds.push_back(kind);
    return kinds;
  }();
  return result;
}

port_fixture::port_fixture(port_kind kind, context_options options, place where)
    : which_(Catch::MessageBuilder("INFO", CATCH_INTERNAL_LINEINFO, Catch::ResultWas::Info)
             << "port: " << to_string(kind)),
      kind_(kind) {
  // Several, also on a small machine: cases need handlers that wait for each other.
  config_.set("scheduler.max-threads", 4);
  if (where == place::node) {
    add_message_types(config_);
    config_.load<caf::io::middleman>();
  }
  system_ = std::make_unique<caf::actor_system>(config_);
  options.port = kind;
  if (kind == port_kind::simulated) {
    simulated_options settings;
    settings.clock = simulated_clock::real_time;
    network_ = std::make_shared<simulated_network>(settings);
    options.make_port = simulated_ports(network_);
  }
  context_ = std::make_unique<pipeactor::context>(*system_, options);
  self_ = std::make_unique<caf::scoped_actor>(*system_, true);
}

port_fixture::~port_fixture() {
  end_system();
}

void port_fixture::end_context() {
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
  self_ = nullptr;
  handlers_.clear();
  for (auto& worker : std::exchange(workers_, {}))
    caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
  system_ = nullptr;
}

// -- servers ----------------------------------------------------------------------------------

server_options port_fixture::options() const {
  server_options result;
  result.pipe_name = next_name();
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

caf::actor port_fixture::spawn_handler(const log_ptr& log, const script& todo) {
  handlers_.push_back(system().spawn(recording_handler, log_writer{log}, todo));
  return handlers_.back();
}

running_server port_fixture::serve(const server_options& options, taker who, const log_ptr& log,
                                   const script& todo) {
  if (who == taker::session)
    return serve<recording_session>(options, log, todo);
  return started(context().spawn_server(options, spawn_handler(log, todo)), options);
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
  root.pid = 4711;
  root.uid = 0;
  auto result = kind_ == port_kind::simulated
                  ? connect_over_network(*network_, server.ready.pipe_name, mode, root)
                  : connect_to(server.ready.address, mode);
  REQUIRE(result != nullptr);
  return result;
}

std::pair<client_ptr, named_pipe_connection>
port_fixture::connect(const running_server& server, const log_ptr& log, size_t index) {
  auto client = connect(server);
  auto connection = log->connection(index);
  REQUIRE(connection);
  return {client, connection};
}

namespace {

peer_identity somebody(int64_t uid, int64_t gid, std::vector<int64_t> groups) {
  peer_identity result;
  result.pid = 4711;
  result.uid = uid;
  result.gid = gid;
  result.groups = std::move(groups);
  return result;
}

} // namespace

client_ptr port_fixture::connect_as(const running_server& server, int64_t uid, int64_t gid,
                                    std::vector<int64_t> groups) {
  if (kind_ != port_kind::simulated)
    return nullptr;
  return connect_over_network(*network_, server.ready.pipe_name, server.options.mode,
                              somebody(uid, gid, std::move(groups)));
}

client_ptr port_fixture::connect_as_stranger(const running_server& server) {
  return connect_as(server, 65533, 65533);
}

bool port_fixture::become_server_of(int64_t uid, int64_t gid, std::vector<int64_t> groups) {
  if (kind_ != port_kind::simulated)
    return false;
  network_->identify_servers(somebody(uid, gid, std::move(groups)));
  return true;
}

named_pipe_client_manager port_fixture::manage(const client_options& options, taker who,
                                               const log_ptr& log, const script& todo) {
  return who == taker::session
           ? context().spawn_client_manager<recording_session>(options, log, todo)
           : context().spawn_client_manager(options, spawn_handler(log, todo));
}

named_pipe_connection port_fixture::open(const named_pipe_client_manager& manager,
                                         const std::string& pipe_name, caf::timespan timeout) {
  auto connection = manager.connect(pipe_name, timeout);
  if (!connection)
    FAIL("a client manager does not connect: " << describe(connection.error()));
  return std::move(*connection);
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
