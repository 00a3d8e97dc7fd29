// Timers of connections: none stays behind.

#include "pipeactor/simulated_network.hpp"
#include "actors/bridge_actor.hpp"
#include "actors/bridge_connections.hpp"
#include "actors/server_actor.hpp"
#include "eventually.hpp"

#include <catch2/catch.hpp>

#include <caf/all.hpp>

using namespace pipeactor;
using namespace pipeactor::detail;
using namespace std::chrono_literals;

namespace {

/// One bridge without a thread, and a server on it.
struct served_bridge {
  explicit served_bridge(session_factory make_session) {
    auto& host = bridge->bridge();
    auto actor = spawn_pinned<bridge_actor>(system, &host, bridge);
    bridge->actor(actor);
    host.send_as(caf::actor_cast<caf::strong_actor_ptr>(actor));
    REQUIRE_FALSE(host.open());
    server_options options;
    options.pipe_name = "svc";
    server = spawn_pinned<server_actor>(system, &host, std::vector<bridge_connections_ptr>{bridge},
                                        options, caf::actor{},
                                        std::make_shared<const session_factory>(
                                          std::move(make_session)));
    caf::anon_send(server, start{});
    turn();
  }

  ~served_bridge() {
    bridge->bridge().shut_down();
    caf::anon_send_exit(server, caf::exit_reason::user_shutdown);
    server = nullptr;
  }

  simulated_client_ptr connect() {
    peer_identity root; // is always admitted
    root.uid = 0;
    auto client = network->connect("svc", pipe_mode::message, root);
    REQUIRE(client);
    turn();
    return *client;
  }

  void turn() {
    for (int i = 0; i < 10; ++i)
      bridge->bridge().turn(port::time_point::min());
  }

  size_t timers() {
    return bridge->bridge().timers().size();
  }

  caf::actor_system_config config;
  caf::actor_system system{config};
  std::shared_ptr<simulated_network> network = std::make_shared<simulated_network>(7);
  bridge_connections_ptr bridge = caf::make_counted<bridge_connections>(
    system, simulated_ports(network), caf::make_counted<memory_account>(size_t{1} << 30), nullptr);
  caf::actor server;
};

/// Asks for as many answers as its messages say, each with a timeout of an hour.
class asking_session final : public session {
public:
  asking_session(caf::actor worker, int& answered)
      : worker_(std::move(worker)), answered_(answered) {}

  void message_received(const cookie&, const payload& data) override {
    for (auto left = std::stoi(std::string{data.text()}); left > 0; --left)
      self()
        .request(worker_, 1h, left)
        .then([this](int) { ++answered_; }, [](const caf::error&) {});
  }

private:
  caf::actor worker_;
  int& answered_;
};

} // namespace

TEST_CASE("answered requests of a session leave no timer") {
  int answered = 0;
  caf::actor worker;
  served_bridge f{[&] { return std::make_unique<asking_session>(worker, answered); }};
  worker = f.system.spawn(
    // An argument more than it needs: CAF 0.17 dereferences a null pointer for none.
    [](caf::event_based_actor*, int) -> caf::behavior {
      return {[](int number) { return number; }};
    },
    0);
  auto client = f.connect();
  for (int round = 1; round <= 3; ++round) {
    CHECK(client->send("1000") == simulated_send::sent);
    REQUIRE(test::eventually([&] {
      f.turn();
      return answered == 1000 * round;
    }));
    CHECK(f.timers() == 0);
  }
  caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
  worker = nullptr;
}

TEST_CASE("an ended connection leaves no timer, even if its requests were not answered") {
  int answered = 0;
  caf::actor worker;
  served_bridge f{[&] { return std::make_unique<asking_session>(worker, answered); }};
  worker = f.system.spawn(
    [](caf::event_based_actor* self, int) -> caf::behavior {
      return {[=](int) { return self->make_response_promise(); }};
    },
    0);
  for (int round = 0; round < 3; ++round) {
    auto client = f.connect();
    CHECK(client->send("10") == simulated_send::sent);
    f.turn();
    CHECK(f.timers() == 10);
    client->close();
    // A request that waits for its worker still holds the connection.
    CHECK(test::eventually([&] {
      f.turn();
      return f.timers() == 0;
    }));
  }
  CHECK(answered == 0);
  caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
  worker = nullptr;
}

namespace {

/// Has a day to send more than its pipe takes.
class draining_session final : public session {
public:
  explicit draining_session(caf::actor& own) : own_(own) {}

  void connected() override {
    own_ = connection().actor();
    for (int i = 0; i < 10; ++i)
      async_write(payload{std::string(100'000, 'x')});
    close_after_drain(24h);
  }

private:
  caf::actor& own_;
};

} // namespace

TEST_CASE("a connection whose actor is killed leaves no timer") {
  caf::actor own;
  served_bridge f{[&] { return std::make_unique<draining_session>(own); }};
  for (int round = 0; round < 3; ++round) {
    auto client = f.connect();
    CHECK(f.timers() == 1);
    caf::anon_send_exit(std::exchange(own, nullptr), caf::exit_reason::kill);
    CHECK(test::eventually([&] {
      f.turn();
      return f.timers() == 0;
    }));
  }
}

TEST_CASE("an ended connection leaves no timer, even if somebody holds it") {
  caf::actor own;
  served_bridge f{[&] { return std::make_unique<draining_session>(own); }};
  std::vector<caf::actor> held;
  for (int round = 0; round < 3; ++round) {
    auto client = f.connect();
    held.push_back(std::exchange(own, nullptr));
    CHECK(f.timers() == 1);
    client->close();
    f.turn();
    CHECK(f.timers() == 0);
  }
}
