#pragma once

// The world of a sweep's scene: a context without threads, which the scene turns itself, so that
// the allocations of a run are always the same ones.

#include "contract/test_client.hpp"
#include "sweep/failing_scope.hpp"
#include "sweep/sweep.hpp"

#include "pipeactor/all.hpp"
#include "pipeactor/simulated_network.hpp"

#include <caf/all.hpp>

#include <array>
#include <functional>
#include <memory>
#include <new>
#include <string>

namespace sweep {

using namespace pipeactor;

/// What the sessions of a world have seen. Without allocations: counting never fails.
struct ledger {
  /// Those that live, and all that were made.
  int sessions = 0;
  int made = 0;
  int connected = 0;
  int disconnected = 0;
  int reconnecting = 0;
  int connect_failed = 0;
  int received = 0;
  /// By cookie: how often a write was taken, and how often its end was reported.
  std::array<int, 16> written{};
  std::array<int, 16> reported{};
};

/// Counts its events. What clients send decides what it does: "write" writes eight messages of
/// 2,000 bytes with cookies, "last" writes one and closes, after it was sent.
class counting_session : public session {
public:
  explicit counting_session(ledger* counts);
  ~counting_session() override;

  void connected() override;
  void message_received(const pipeactor::cookie& cookie, const payload& data) override;
  void message_sent(const pipeactor::cookie& cookie) override;
  void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override;
  void reconnecting(const caf::error& reason, caf::timespan delay) override;
  void connect_failed(const caf::error& error) override;
  void disconnected(const caf::error& reason) override;

private:
  void write(int number);

  ledger& counts_;
};

class world {
public:
  explicit world(port_kind port);
  ~world();

  pipeactor::context& context() {
    return *context_;
  }

  /// What sessions of servers, and what sessions of client managers have seen.
  ledger served;
  ledger opened;

  server_options service() const;

  /// From here to the end of the scene nothing fails.
  void calm() noexcept {
    calm_ = true;
  }

  /// Makes turns.
  void turn(size_t times = 1);

  /// Makes turns until `reached` says so. Throws broken_rule if that takes too long.
  void turn_until(const char* what, const std::function<bool()>& reached);

  /// Calls `f` so that an allocation of it may fail, and again if one did: the caller was told.
  template <class F>
  auto tried(F f) {
    try {
      if (!calm_)
        return failing(f);
    } catch (const std::bad_alloc&) {
    }
    return f();
  }

  /// Sends a request and turns until it is answered.
  /// @returns the error, or none
  template <class Result, class Request>
  caf::error ask(const caf::actor& whom, const Request& request, Result* result = nullptr) {
    auto& self = *self_;
    bool answered = false;
    caf::error failed;
    auto pending = tried([&] { return self->request(whom, caf::infinite, request); });
    turn_until("an answer", [&] { return self->has_next_message(); });
    if constexpr (std::is_void_v<Result>)
      pending.receive([&] { answered = true; }, [&](caf::error& err) { failed = std::move(err); });
    else
      pending.receive(
        [&](const Result& x) {
          answered = true;
          if (result != nullptr)
            *result = x;
        },
        [&](caf::error& err) { failed = std::move(err); });
    return failed;
  }

  /// Returns a server that listens.
  named_pipe_server serve();

  /// Stops a server.
  void stop(const named_pipe_server& server);

  /// Holds a connection of ours until the world's end.
  named_pipe_connection kept;

  /// Connects a client that is not ours.
  contract::client_ptr connect();

  /// Returns whether the client gets `text` before its end.
  bool hears(contract::test_client& client, const std::string& text);

  /// Connects a client, and turns until it was welcomed or turned away.
  /// @returns nothing if it was turned away
  contract::client_ptr welcomed();

  /// Ends the context, and looks whether all that began has ended.
  void end();

private:
  bool calm_ = false;
  std::shared_ptr<simulated_network> network_;
  std::string name_;
  std::string address_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<pipeactor::context> context_;
  std::unique_ptr<caf::scoped_actor> self_;
};

/// Plays a scene in a new world, and ends that.
void run_in_world(port_kind port, scene play);

} // namespace sweep
