#pragma once

// The world of a contract case: an actor system, a context on the port under test, and
// clients that are not ours. A case is written once and runs on every port.

#include "contract/port_case.hpp"
#include "contract/recording.hpp"
#include "contract/test_client.hpp"

#include "pipeactor/all.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <memory>
#include <string>

namespace contract {

/// What takes a server's events.
enum class taker : uint8_t { handler, session };

/// Runs the rest of the case with a handler actor, and then with sessions: GENERATE(each_taker()).
inline auto each_taker() {
  return Catch::Generators::values({taker::handler, taker::session});
}

/// Where the case's actor system runs.
enum class place : uint8_t {
  process,
  /// One that others can reach, by CAF's middleman.
  node,
};

/// A server that clients may connect to.
struct running_server {
  named_pipe_server server;
  server_ready ready;
  server_options options;
};

/// Sends a request that is answered with nothing, and waits for its answer.
/// @returns none, or what went wrong
template <class Request, class Handle>
caf::error ask(caf::scoped_actor& self, const Handle& whom, Request request) {
  caf::error result;
  self->request(whom, patience, std::move(request))
    .receive([] {}, [&](caf::error& err) { result = std::move(err); });
  return result;
}

/// Sends a request that is answered with a `Result`, and waits for it.
template <class Result, class Request, class Handle>
caf::expected<Result> ask_for(caf::scoped_actor& self, const Handle& whom, Request request) {
  caf::expected<Result> result{caf::error{}};
  self->request(whom, patience, std::move(request))
    .receive([&](const Result& x) { result = x; },
             [&](caf::error& err) { result = std::move(err); });
  return result;
}

/// The process that test clients on the simulated port say they are.
constexpr int pid_of_clients = 4711;

/// A user and a group that no server of the cases admits.
constexpr int64_t stranger = 65533;

class port_fixture {
public:
  explicit port_fixture(port_kind port, context_options options = {}, place where = place::process);
  ~port_fixture();

  port_fixture(const port_fixture&) = delete;
  port_fixture& operator=(const port_fixture&) = delete;

  caf::actor_system& system() {
    return *system_;
  }

  pipeactor::context& context() {
    return *context_;
  }

  /// A thread that is not an actor asks with this.
  caf::scoped_actor& self() {
    return *self_;
  }

  /// Returns a function that makes ports of the kind under test, for a further context.
  port_factory ports() const;

  // -- what happened --------------------------------------------------------------------------

  /// The events of servers and their connections.
  const log_ptr log = std::make_shared<event_log>();

  /// The events of connections that client managers make.
  const log_ptr client_log = std::make_shared<event_log>();

  // -- servers --------------------------------------------------------------------------------

  /// Returns options with a name that nobody else has.
  server_options options() const;

  /// Returns options with a name that other users can reach, too.
  server_options options(pipe_access access) const;

  /// Spawns a handler that writes events to `log`, and then does what `todo` says.
  caf::actor spawn_handler(const script& todo = {});

  /// Starts a server whose events are written to `log`.
  running_server serve(const server_options& options, taker who, const script& todo = {});

  /// Starts a server of the case's own session class.
  template <class Session, class... Args>
  running_server serve(const server_options& options, const Args&... args) {
    return started(context().spawn_server<Session>(options, args...), options);
  }

  /// Starts a server beside the one that the case is about: its sessions send every message back
  /// and write nothing down.
  running_server serve_echo();

  /// Starts what was spawned.
  running_server started(named_pipe_server server, const server_options& options);

  /// Spawns a function-based actor. If such a function takes no arguments, CAF 0.17 dereferences a
  /// null pointer, and a standard library with assertions ends the program.
  template <class F>
  caf::actor spawn(F f) {
    auto body = [](caf::event_based_actor* self, const F& f) -> caf::behavior {
      if constexpr (std::is_invocable_v<F, caf::event_based_actor*>)
        return f(self);
      else
        return f();
    };
    return system().spawn(body, std::move(f));
  }

  /// Ends `worker` when the system ends, whoever still holds it: a session that asked it holds it
  /// until the request's timeout.
  caf::actor ended_with_system(caf::actor worker);

  // -- clients --------------------------------------------------------------------------------

  client_ptr connect(const running_server& server);

  /// Connects a client, and waits for its connection: the `index`th in `log`.
  std::pair<client_ptr, named_pipe_connection> connect_and_wait(const running_server& server,
                                                                size_t index = 0);

  /// Connects as somebody else. For cases with `needs::users`.
  client_ptr connect_as(const running_server& server, int64_t uid, int64_t gid,
                        std::vector<int64_t> groups = {});

  /// Connects as a user that no server expects. For cases with `needs::users`.
  client_ptr connect_as_stranger(const running_server& server);

  /// Makes a client manager of ours. Its connections' events are written to `client_log`.
  named_pipe_client_manager manage(const client_options& options, taker who,
                                   const script& todo = {});

  /// Opens a connection of ours.
  named_pipe_connection open(const named_pipe_client_manager& manager, const std::string& pipe_name,
                             caf::timespan timeout = patience);

  /// Makes servers another user's from now on. For cases with `needs::users`.
  void become_server_of(int64_t uid, int64_t gid, std::vector<int64_t> groups = {});

  // -- requests -------------------------------------------------------------------------------

  /// @copydoc contract::ask
  template <class Request, class Handle>
  caf::error ask(const Handle& whom, Request request) {
    return contract::ask(self(), whom, std::move(request));
  }

  /// @copydoc contract::ask_for
  template <class Result, class Request, class Handle>
  caf::expected<Result> ask_for(const Handle& whom, Request request) {
    return contract::ask_for<Result>(self(), whom, std::move(request));
  }

  // -- states that are hard to see ------------------------------------------------------------

  /// Waits until the first bridge has seen all that was sent to it before: makes round trips with
  /// a client of a server beside the case's.
  void let_bridge_turn();

  /// Sends until the server reads no more. The server lives on the first bridge.
  /// @returns the number of messages sent, `most` if it never stopped
  size_t send_until_blocked(test_client& client, std::string_view message, size_t most);

  /// Writes until the pipe and the write queue of a connection are full, and stay full because its
  /// client reads nothing. The connection lives on the first bridge, and bounds its queue.
  void fill(const named_pipe_connection& connection, const payload& block);

  // -- the end --------------------------------------------------------------------------------

  void end_context();
  void end_system();

private:
  Catch::ScopedMessage which_;
  port_kind kind_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::shared_ptr<simulated_network> network_;
  std::unique_ptr<pipeactor::context> context_;
  std::unique_ptr<caf::scoped_actor> self_;
  // Servers give theirs up at their end, and late events still go to them.
  std::vector<caf::actor> handlers_;
  std::vector<caf::actor> workers_;
  client_ptr witness_;
};

/// Returns a network in memory on the steady clock.
std::shared_ptr<simulated_network> real_time_network();

/// Returns a pipe name that nobody else has.
std::string unused_name();

/// Returns `size` bytes in which a missing or moved byte shows.
std::string pattern(size_t size, unsigned seed = 0);

} // namespace contract
