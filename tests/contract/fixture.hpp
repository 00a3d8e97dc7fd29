#pragma once

// The world of a contract case: an actor system, a context on the port under test, and
// clients that are not ours. A case is written once and runs on every port.

#include "contract/recording.hpp"
#include "contract/test_client.hpp"

#include "pipeactor/all.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <memory>
#include <string>

namespace contract {

/// Returns the ports of this platform: the one list that all cases go through.
std::vector<port_kind> ports_under_test();

/// Runs the case once on each port.
inline port_kind each_port() {
  return GENERATE(from_range(ports_under_test()));
}

/// Who takes a server's events.
enum class taker : uint8_t { handler, session };

/// Runs the case with a handler actor and with sessions.
inline taker each_taker() {
  return GENERATE(values({taker::handler, taker::session}));
}

/// What the case's actor system is.
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

class port_fixture {
public:
  explicit port_fixture(port_kind kind = each_port(), context_options options = {},
                        place where = place::process);
  ~port_fixture();

  port_fixture(const port_fixture&) = delete;
  port_fixture& operator=(const port_fixture&) = delete;

  port_kind kind() const noexcept {
    return kind_;
  }

  /// Returns whether a client can end its writing and read on: not on named pipes of Windows.
  bool has_half_close() const noexcept {
    return kind_ != port_kind::iocp;
  }

  /// Returns whether the system tells that a peer left without reading what it was sent. Windows
  /// does only where a write still waited for room.
  bool tells_unread() const noexcept {
    return kind_ != port_kind::iocp;
  }

  /// Returns whether a second server on a name can be told from a second instance: Wine takes
  /// FILE_FLAG_FIRST_PIPE_INSTANCE and does nothing with it.
  bool guards_names() const {
    return kind_ != port_kind::iocp || !runs_under_wine();
  }

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

  // -- servers --------------------------------------------------------------------------------

  /// Returns options with a name that nobody else has.
  server_options options() const;

  /// Returns options with a name that other users can reach, too.
  server_options options(pipe_access access) const;

  caf::actor spawn_handler(const log_ptr& log, const script& todo = {});

  /// Starts a server. Its events are written to `log`.
  running_server serve(const server_options& options, taker who, const log_ptr& log,
                       const script& todo = {});

  /// Starts a server of the case's own session class.
  template <class Session, class... Args>
  running_server serve(const server_options& options, const Args&... args) {
    return started(context().spawn_server<Session>(options, args...), options);
  }

  /// Starts what was spawned.
  running_server started(named_pipe_server server, const server_options& options);

  /// Spawns a function-based actor. CAF 0.17 dereferences a null pointer where such a
  /// function takes no arguments, and a standard library with assertions ends the program.
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

  /// Connects a client, and returns it with its connection: the `index`th of the log.
  std::pair<client_ptr, named_pipe_connection> connect(const running_server& server,
                                                       const log_ptr& log, size_t index = 0);

  /// Connects as somebody else, where the port can: in memory; else nullptr. Other processes of
  /// other users are for tests/integration.
  client_ptr connect_as(const running_server& server, int64_t uid, int64_t gid,
                        std::vector<int64_t> groups = {});

  /// Connects as another user, where that gets as far as the server; else nullptr.
  client_ptr connect_as_stranger(const running_server& server);

  /// Makes a client manager of ours. Its connections' events are written to `log`.
  named_pipe_client_manager manage(const client_options& options, taker who, const log_ptr& log,
                                   const script& todo = {});

  /// Opens a connection of ours.
  named_pipe_connection open(const named_pipe_client_manager& manager, const std::string& pipe_name,
                             caf::timespan timeout = patience);

  /// Lets servers be another user's, where the port can.
  /// @returns whether it can
  bool become_server_of(int64_t uid, int64_t gid, std::vector<int64_t> groups = {});

  // -- requests -------------------------------------------------------------------------------

  /// Sends a request and waits for its answer.
  /// @returns `errc::none`, or what it was answered with
  template <class... Results, class Request, class Handle>
  caf::error ask(const Handle& whom, Request request,
                 std::function<void(const Results&...)> use = nullptr) {
    caf::error result;
    self()
      ->request(whom, patience, std::move(request))
      .receive(
        [&](const Results&... xs) {
          if (use)
            use(xs...);
        },
        [&](caf::error& err) { result = std::move(err); });
    return result;
  }

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
};

/// Returns `size` bytes that show where they come from and when one is missing.
std::string pattern(size_t size, unsigned seed = 0);

} // namespace contract
