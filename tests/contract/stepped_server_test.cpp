// Servers and client managers whose listeners fail, whose requests overlap, and which end in the
// middle, step by step under a virtual clock. On the simulated port, since nothing here depends on
// what a port does.

#include "contract/stepped_fixture.hpp"

#include <caf/scoped_actor.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

using namespace contract;

namespace {

constexpr auto instant = 1ns;

server_options service(const std::string& name = "svc") {
  server_options result;
  result.pipe_name = name;
  return result;
}

peer_identity root() {
  peer_identity result; // is always admitted
  result.uid = 0;
  return result;
}

bool is_published(stepped_fixture& f, const std::string& name = "svc") {
  return f.network()->connect(name, pipe_mode::message, root()).engaged();
}

/// Lets the listener of a server fail: it does when a client waits.
void break_listener(stepped_fixture& f) {
  simulated_faults faults;
  faults.dead_listeners = 1;
  f.network()->set_faults(faults);
  auto client = f.network()->connect("svc", pipe_mode::message, root());
  REQUIRE(client);
  f.turn(3);
  f.network()->set_faults({});
}

/// A request that may be answered later.
class pending_request {
public:
  template <class Request>
  pending_request(stepped_fixture& f, const caf::actor& whom, Request request)
      : self_(f.system(), true) {
    handle_.emplace(self_->request(whom, caf::infinite, std::move(request)));
  }

  bool is_answered() {
    return self_->has_next_message();
  }

  /// @returns the error that it was answered with, or none
  template <class Result>
  caf::error take(Result* answer) {
    REQUIRE(is_answered());
    caf::error failed;
    handle_->receive([&](const Result& x) { *answer = x; },
                     [&](caf::error& err) { failed = std::move(err); });
    return failed;
  }

  /// The same for requests that are answered with nothing.
  caf::error take_done() {
    REQUIRE(is_answered());
    caf::error result;
    handle_->receive([] {}, [&](caf::error& err) { result = std::move(err); });
    return result;
  }

private:
  using handle = decltype(std::declval<caf::scoped_actor&>()->request(caf::actor{}, caf::infinite,
                                                                      stop{}));

  caf::scoped_actor self_;
  std::optional<handle> handle_;
};

} // namespace

// -- listeners that fail ----------------------------------------------------------------------

TEST_CASE(
  "a server listens again after pauses that grow, gives up after ten, and may start again") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::handler);
  for (int round = 0; round < 2; ++round) {
    for (int count = 0; count < 10; ++count) {
      CAPTURE(round, count);
      break_listener(f);
      auto pause = count * 50ms;
      if (count > 0)
        f.advance(pause - instant);
      CHECK_FALSE(is_published(f));
      f.advance(instant);
      CHECK(is_published(f));
      // That client is served, and leaves.
      f.turn();
    }
    CHECK(f.log->count("server failed") == static_cast<size_t>(round));
    break_listener(f);
    f.turn();
    CHECK(f.log->count("server failed os_error") == static_cast<size_t>(round) + 1);
    f.advance(10s);
    CHECK_FALSE(is_published(f));
    f.ask_for<server_ready>(server.actor(), start{});
  }
  // The count began anew.
  break_listener(f);
  f.advance(instant);
  CHECK(is_published(f));
  CHECK(f.log->count("server failed") == 2);
}

TEST_CASE("a listener that lived for more than a second ends the row of those that failed") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::handler);
  for (int round = 0; round < 3; ++round) {
    for (int count = 0; count < 6; ++count) {
      CAPTURE(round, count);
      break_listener(f);
      f.advance(count * 50ms);
      CHECK(is_published(f));
      f.turn();
    }
    f.advance(1s + instant);
  }
  CHECK(f.log->count("server failed") == 0);
}

TEST_CASE("a server that cannot publish its name again tries ten times in all") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::handler);
  simulated_faults faults;
  faults.dead_listeners = 1;
  faults.failed_listens = 1;
  f.network()->set_faults(faults);
  auto client = f.network()->connect("svc", pipe_mode::message, root());
  f.turn();
  f.advance(instant);
  // The listener was the first failure, the attempt at once the second.
  for (int failures = 2; failures < 10; ++failures) {
    CAPTURE(failures);
    f.advance(failures * 50ms - instant);
    CHECK(f.log->count("server failed") == 0);
    f.advance(instant);
  }
  CHECK(f.log->count("server failed") == 1);
  f.network()->set_faults({});
  f.advance(10s);
  CHECK_FALSE(is_published(f));
}

TEST_CASE("a stop between two attempts to listen again is answered, and nobody listens after it") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::handler);
  break_listener(f);
  f.advance(instant);
  break_listener(f); // the next attempt is 50 ms away
  pending_request request{f, server.actor(), stop{}};
  f.turn();
  CHECK_FALSE(request.take_done());
  f.advance(10s);
  CHECK_FALSE(is_published(f));
  CHECK(f.log->count("server failed") == 0);
}

TEST_CASE("a start waits two seconds for a name that the system has not freed, each time anew") {
  stepped_fixture f;
  auto server = f.context().spawn_server<recording_session>(service(), f.log);
  simulated_faults busy;
  busy.busy_names = 1;
  server_ready ready;
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    f.network()->set_faults(busy);
    pending_request refused{f, server.actor(), start{}};
    f.turn();
    for (auto step : {10ms, 1000ms, 980ms}) {
      f.advance(step);
      CHECK_FALSE(refused.is_answered());
    }
    f.advance(10ms);
    CHECK(code_of(refused.take(&ready)) == errc::pipe_in_use);
  }
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    f.network()->set_faults(busy);
    pending_request starting{f, server.actor(), start{}};
    f.turn();
    f.advance(1990ms);
    CHECK_FALSE(starting.is_answered());
    f.network()->set_faults({});
    f.advance(10ms);
    CHECK_FALSE(starting.take(&ready));
    CHECK(is_published(f));
    pending_request stopping{f, server.actor(), stop{}};
    f.turn();
    CHECK_FALSE(stopping.take_done());
  }
}

// -- requests that meet -----------------------------------------------------------------------

TEST_CASE("starts and stops that come together are carried out one after the other") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  auto [client, connection] = f.connect(service());
  pending_request first{f, server.actor(), stop{}};
  pending_request second{f, server.actor(), start{}};
  pending_request third{f, server.actor(), stop{}};
  pending_request fourth{f, server.actor(), start{}};
  f.turn(1);
  // The connection closes in a turn of its own: the start waits for it.
  CHECK_FALSE(second.is_answered());
  f.turn();
  server_ready ready;
  CHECK_FALSE(first.take_done());
  CHECK_FALSE(second.take(&ready));
  CHECK_FALSE(third.take_done());
  CHECK_FALSE(fourth.take(&ready));
  CHECK(is_published(f));
}

TEST_CASE("each broadcast gets its own answer, whichever ends first") {
  simulated_options network;
  network.pipe_capacity_bytes = 4000;
  stepped_fixture f{network};
  auto options = service();
  options.write_queue_messages = 2;
  auto server = f.serve(options, taker::session);
  auto [slow, first] = f.connect(options);
  auto [fast, second] = f.connect(options);
  auto large = [](char letter) { return async_broadcast{payload{std::string(3000, letter)}, {}}; };
  f.ask_for<broadcast_result>(server.actor(), large('w'));
  CHECK(fast->receive());
  std::vector<std::unique_ptr<pending_request>> waiting;
  for (auto letter : {'x', 'y'}) {
    waiting.push_back(std::make_unique<pending_request>(f, server.actor(), large(letter)));
    f.turn();
    CHECK(fast->receive());
  }
  // The slow one's queue is full.
  pending_request refused{f, server.actor(), large('z')};
  f.turn();
  broadcast_result result;
  CHECK_FALSE(refused.take(&result));
  CHECK(result.sent == 1);
  CHECK(result.failed == 1);
  CHECK(fast->receive());
  for (size_t number = 0; number < waiting.size(); ++number) {
    CAPTURE(number);
    CHECK(slow->receive());
    f.turn();
    for (size_t other = number + 1; other < waiting.size(); ++other)
      CHECK_FALSE(waiting[other]->is_answered());
    CHECK_FALSE(waiting[number]->take(&result));
    CHECK(result.sent == 2);
    CHECK(result.failed == 0);
  }
}

TEST_CASE("a broadcast of nothing is no message") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  auto [client, connection] = f.connect(service());
  pending_request request{f, server.actor(), async_broadcast{payload{}, cookie::of(1)}};
  f.turn();
  broadcast_result result;
  CHECK_FALSE(request.take(&result));
  CHECK_FALSE(client->receive());
  CHECK(f.log->of(connection.id()) == lines{"connected"});
}

// -- ends in the middle -----------------------------------------------------------------------

TEST_CASE("a server that is killed answers its start, its broadcasts and its stops") {
  simulated_options options;
  options.pipe_capacity_bytes = 4000;
  stepped_fixture f{options};
  auto server = f.serve(service(), taker::session);
  auto [client, connection] = f.connect(service());
  f.ask_for<broadcast_result>(server.actor(), async_broadcast{payload{std::string(3000, 'x')}, {}});
  pending_request broadcast{f, server.actor(),
                            async_broadcast{payload{std::string(3000, 'y')}, {}}};
  f.turn();
  REQUIRE_FALSE(broadcast.is_answered());
  pending_request stopping{f, server.actor(), stop{}};
  pending_request starting{f, server.actor(), start{}};
  caf::anon_send_exit(server.actor(), caf::exit_reason::kill);
  f.turn(1);
  f.turn();
  CHECK(broadcast.is_answered());
  CHECK(stopping.is_answered());
  CHECK(starting.is_answered());
}

TEST_CASE("a server that is killed while it waits for its name answers its start") {
  stepped_fixture f;
  auto server = f.context().spawn_server<recording_session>(service(), f.log);
  simulated_faults busy;
  busy.busy_names = 1;
  f.network()->set_faults(busy);
  pending_request starting{f, server.actor(), start{}};
  f.turn();
  REQUIRE_FALSE(starting.is_answered());
  caf::anon_send_exit(server.actor(), caf::exit_reason::kill);
  f.turn();
  server_ready ready;
  CHECK(code_of(starting.take(&ready)) == errc::shutting_down);
}

TEST_CASE("a client manager that is killed while it looks up whom it trusts answers its connects") {
  stepped_fixture f;
  client_options options;
  options.trusted_servers = pipe_access::list({"0"});
  auto manager = f.context().spawn_client_manager<recording_session>(options, f.client_log);
  pending_request first{f, manager.actor(), connect{"svc", 1s}};
  pending_request second{f, manager.actor(), connect{"svc", 1s}};
  // In the same run as both requests: no name can be looked up by then.
  caf::anon_send_exit(manager.actor(), caf::exit_reason::kill);
  f.turn();
  named_pipe_connection connection;
  CHECK(code_of(first.take(&connection)) == errc::shutting_down);
  CHECK(code_of(second.take(&connection)) == errc::shutting_down);
}

TEST_CASE("stop waits for a client that is on its way to another bridge") {
  class calling_session final : public recording_session {
  public:
    calling_session(const log_ptr& log, const std::function<void()>& on_made)
        : recording_session(log) {
      on_made();
    }
  };
  context_options limits;
  limits.num_threads = 2;
  stepped_fixture f{{}, limits};
  std::optional<pending_request> stopping;
  std::function<void()> stop_server = [] {};
  auto server = f.context().spawn_server<calling_session>(service(), f.log, [&] { stop_server(); });
  // The server hears of a connection after its session is made.
  auto stop_when_made = [&] { stopping.emplace(f, server.actor(), stop{}); };
  for (size_t round = 1; round <= 3; ++round) {
    CAPTURE(round);
    f.ask_for<server_ready>(server.actor(), start{});
    auto [first_client, first] = f.connect(service());
    f.log->forget_connections();
    stop_server = stop_when_made;
    auto client = f.network()->connect("svc", pipe_mode::message, root());
    REQUIRE(client);
    for (int turns = 0; turns < 20 && !(stopping && stopping->is_answered()); ++turns)
      f.turn(1);
    REQUIRE(stopping);
    CHECK_FALSE(stopping->take_done());
    CHECK(f.log->count("disconnected") == 2 * round);
    stop_server = [] {};
    stopping.reset();
  }
}

TEST_CASE("stop of a client manager waits for the connections of that moment, and for no others") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  auto manager = f.context().spawn_client_manager<recording_session>(client_options{},
                                                                     f.client_log);
  auto open = [&] { return f.ask_for<named_pipe_connection>(manager.actor(), connect{"svc", 1s}); };
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    auto first = open();
    f.turn();
    REQUIRE(first.is_connected());
    pending_request stopping{f, manager.actor(), stop{}};
    pending_request again{f, manager.actor(), connect{"svc", 1s}};
    f.turn();
    CHECK_FALSE(stopping.take_done());
    CHECK_FALSE(first.is_connected());
    CHECK(f.client_log->of(first.id()) == lines{"connected", "disconnected closed_by_us"});
    named_pipe_connection later;
    CHECK_FALSE(again.take(&later));
    f.client_log->forget_connections();
    pending_request last{f, manager.actor(), stop{}};
    f.turn();
    CHECK_FALSE(last.take_done());
  }
}

// -- limits -----------------------------------------------------------------------------------

TEST_CASE("pending_instances clients wait for a server that is busy, and no more") {
  stepped_fixture f;
  auto options = service();
  options.pending_instances = 3;
  auto server = f.serve(options, taker::session);
  for (int round = 0; round < 3; ++round) {
    std::vector<simulated_client_ptr> clients;
    for (int count = 0; count < 3; ++count) {
      auto client = f.network()->connect("svc", pipe_mode::message, root());
      REQUIRE(client);
      clients.push_back(*client);
    }
    auto more = f.network()->connect("svc", pipe_mode::message, root());
    REQUIRE_FALSE(more);
    CHECK(code_of(more.error()) == errc::pipe_busy);
    f.turn();
    CHECK(f.log->count("connected") == 3 * static_cast<size_t>(round + 1));
  }
}

TEST_CASE("max_message_size is checked before the first message, and in message mode only") {
  simulated_options network;
  network.largest_message = 1000;
  stepped_fixture f{network};
  auto options = service();
  options.max_message_size = 1001;
  auto server = f.context().spawn_server<recording_session>(options, f.log);
  pending_request refused{f, server.actor(), start{}};
  f.turn();
  server_ready ready;
  CHECK(code_of(refused.take(&ready)) == errc::invalid_option);
  options.mode = pipe_mode::byte;
  auto bytes = f.serve(options, taker::session);
  client_options ours;
  ours.max_message_size = 1001;
  for (auto mode : {pipe_mode::byte, pipe_mode::message}) {
    ours.mode = mode;
    auto manager = f.context().spawn_client_manager<recording_session>(ours, f.client_log);
    pending_request opening{f, manager.actor(), connect{"svc", 1s}};
    f.turn();
    named_pipe_connection connection;
    auto failure = opening.take(&connection);
    CHECK(code_of(failure) == (mode == pipe_mode::byte ? errc{} : errc::invalid_option));
    CHECK(static_cast<bool>(connection) == (mode == pipe_mode::byte));
  }
}

TEST_CASE("a new connection goes to the bridge that others have left") {
  context_options limits;
  limits.num_threads = 2;
  stepped_fixture f{{}, limits};
  auto server = f.serve(service(), taker::session);
  auto [first_client, first] = f.connect(service());
  for (int round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect(service());
    auto stats = f.ask_for<statistics>(server.actor(), get_stats{});
    REQUIRE(stats.bridges.size() == 2);
    CHECK(stats.bridges[0].connections == 1);
    CHECK(stats.bridges[1].connections == 1);
    client->close();
    f.turn();
  }
}

TEST_CASE("a broadcast leaves out a connection that is closing") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  auto [client, connection] = f.connect(service());
  connection.async_close();
  pending_request request{f, server.actor(), async_broadcast{payload{"late"}, cookie::of(1)}};
  f.turn();
  broadcast_result result;
  CHECK_FALSE(request.take(&result));
  CHECK(result.failed == 0);
  CHECK(f.log->of(connection.id()) == lines{"connected", "disconnected closed_by_us"});
}

TEST_CASE("a connection that is killed after it was lost ends as one that was connected") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  client_options options;
  options.reconnect.emplace();
  auto connection = f.open(options, taker::handler, "svc", 1s);
  f.turn();
  REQUIRE(f.client_log->count("connected") == 1);
  pending_request stopping{f, server.actor(), stop{}};
  f.turn();
  CHECK_FALSE(stopping.take_done());
  CHECK(f.client_log->count("reconnecting") == 1);
  caf::anon_send_exit(connection.actor(), caf::exit_reason::kill);
  f.turn();
  CHECK(f.client_log->count("disconnected") == 1);
  CHECK(f.client_log->count("connect failed") == 0);
}
