#pragma once

// The world of a case that decides when each turn comes: the simulated port without a thread and
// a clock that only the case moves. Nothing waits for time, and a case that fails plays again in
// the same way.

#include "contract/fixture.hpp"

#include "pipeactor/simulated_network.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace contract {

class stepped_fixture {
public:
  /// @param limits of the context: its port and threads are the fixture's
  explicit stepped_fixture(const simulated_options& options = {}, context_options limits = {});
  ~stepped_fixture();

  stepped_fixture(const stepped_fixture&) = delete;
  stepped_fixture& operator=(const stepped_fixture&) = delete;

  pipeactor::context& context() {
    return *context_;
  }

  caf::actor_system& system() {
    return *system_;
  }

  const std::shared_ptr<simulated_network>& network() const {
    return network_;
  }

  /// The events of servers and their connections.
  const log_ptr log = std::make_shared<event_log>();

  /// The events of connections that client managers make.
  const log_ptr client_log = std::make_shared<event_log>();

  // -- time -----------------------------------------------------------------------------------

  /// Runs turns of the bridge, each with the actors of the scheduler that are ready. The default
  /// is more than anything takes that needs no time to pass.
  void turn(size_t times = 20);

  /// Lets time pass at once, and then turns.
  void advance(std::chrono::nanoseconds by);

  /// Ends the context, and runs the actors that are ready then.
  void end_context();

  // -- servers and clients --------------------------------------------------------------------

  /// Starts a server. Its clients' pipes hold what `simulated_options` says.
  named_pipe_server serve(const server_options& options, taker who);

  /// Connects a client to a server of that name, and waits for its connection. Afterwards the log
  /// holds no handle but that of this one.
  std::pair<simulated_client_ptr, named_pipe_connection> connect(const server_options& options);

  /// Opens a connection of ours.
  named_pipe_connection open(const client_options& options, taker who, const std::string& pipe_name,
                             caf::timespan timeout);

  // -- requests -------------------------------------------------------------------------------

  /// Sends a request that is answered with a `Result`, and turns until it is.
  template <class Result, class Request>
  Result ask_for(const caf::actor& whom, Request request) {
    auto& self = *self_;
    Result result;
    caf::error failed;
    auto pending = self->request(whom, caf::infinite, std::move(request));
    turn();
    REQUIRE(self->has_next_message());
    pending.receive([&](const Result& x) { result = x; },
                    [&](caf::error& err) { failed = std::move(err); });
    REQUIRE_FALSE(failed);
    return result;
  }

private:
  caf::scheduler::test_coordinator& scheduler();

  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::shared_ptr<simulated_network> network_;
  std::unique_ptr<pipeactor::context> context_;
  std::unique_ptr<caf::scoped_actor> self_;
};

} // namespace contract
