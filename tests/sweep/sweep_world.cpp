#include "sweep/sweep_world.hpp"

#include "pipeactor/error.hpp"

#include <unistd.h>

#include <chrono>
#include <thread>

namespace sweep {

namespace {

/// Longer than any scene takes that comes to its end.
constexpr std::chrono::seconds patience{20};

const std::string welcome = "welcome";

void count(std::array<int, 16>& counts, const cookie& which) noexcept {
  if (auto* number = which.get_if<int>())
    ++counts[static_cast<size_t>(*number)];
}

} // namespace

// -- sessions ---------------------------------------------------------------------------------

counting_session::counting_session(ledger* counts) : counts_(*counts) {
  ++counts_.sessions;
  ++counts_.made;
}

counting_session::~counting_session() {
  --counts_.sessions;
}

void counting_session::connected() {
  ++counts_.connected;
  async_write(payload{welcome});
}

void counting_session::message_received(const pipeactor::cookie&, const payload& data) {
  ++counts_.received;
  if (data.text() == "write") {
    for (int number = 0; number < 8; ++number)
      write(number);
  } else if (data.text() == "last") {
    write(8);
    close_after_drain();
  }
}

void counting_session::write(int number) {
  auto cookie = pipeactor::cookie::of(number);
  async_write(payload{std::string(2000, static_cast<char>('a' + number))}, std::move(cookie));
  // Only if it did not throw: the write was taken.
  ++counts_.written[static_cast<size_t>(number)];
}

void counting_session::message_sent(const pipeactor::cookie& cookie) {
  count(counts_.reported, cookie);
}

void counting_session::message_failed(const pipeactor::cookie& cookie, const caf::error&) {
  count(counts_.reported, cookie);
}

void counting_session::reconnecting(const caf::error&, caf::timespan) {
  ++counts_.reconnecting;
}

void counting_session::connect_failed(const caf::error&) {
  ++counts_.connect_failed;
}

void counting_session::disconnected(const caf::error&) {
  ++counts_.disconnected;
}

// -- life -------------------------------------------------------------------------------------

world::world(port_kind port) {
  name_ = "sweep-" + std::to_string(getpid());
  let_scheduler_sleep(config_);
  system_ = std::make_unique<caf::actor_system>(config_);
  context_options options;
  options.port = port;
  options.num_threads = 1;
  options.run_threads = false;
  if (port == port_kind::simulated) {
    simulated_options network;
    network.clock = simulated_clock::real_time;
    network_ = std::make_shared<simulated_network>(network);
    options.make_port = simulated_ports(network_);
  }
  context_ = std::make_unique<pipeactor::context>(*system_, std::move(options));
  self_ = std::make_unique<caf::scoped_actor>(*system_, true);
}

world::~world() {
  // A scene that failed leaves the context to the destructors.
  context_ = nullptr;
  kept = {};
  self_ = nullptr;
}

void world::end() {
  failing([&] { context_ = nullptr; });
  kept = {};
  for (auto* counts : {&served, &opened}) {
    if (counts->sessions != 0)
      throw broken_rule{"a session is left"};
    // One that is refused is disconnected, but was never connected.
    if (counts->disconnected > counts->made)
      throw broken_rule{"the end of a connection was reported twice"};
    if (counts->disconnected + counts->reconnecting < counts->connected)
      throw broken_rule{"the end of a connection was not reported"};
    if (counts->written != counts->reported)
      throw broken_rule{"a cookie did not come back once"};
  }
}

void run_in_world(port_kind port, scene play) {
  world w{port};
  play(w);
  w.end();
}

// -- turns ------------------------------------------------------------------------------------

void world::turn_until(const char* what, const std::function<bool()>& reached) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (int turns = 0; !reached(); ++turns) {
    if (std::chrono::steady_clock::now() > deadline)
      throw broken_rule{std::string{"did not come: "} + what};
    // It waits for a timer: each turn is one more call that may fail.
    if (turns > 20)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    turn();
  }
}

void world::turn(size_t times) {
  for (; times > 0; --times)
    tried([&] { return context_->turn(), 0; });
}

// -- servers and clients ----------------------------------------------------------------------

server_options world::service() const {
  server_options result;
  result.pipe_name = name_;
  return result;
}

named_pipe_server world::serve() {
  server_ready ready;
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto server = tried(
      [&] { return context_->spawn_server<counting_session>(service(), &served); });
    auto failure = ask<server_ready>(server.actor(), start{}, &ready);
    // It was told, and tries again, with another server if this one came to nothing.
    if (code_of(failure) == errc::out_of_resources)
      failure = ask<server_ready>(server.actor(), start{}, &ready);
    if (!failure) {
      address_ = ready.address;
      return server;
    }
  }
  throw broken_rule{"a server does not start"};
}

void world::stop(const named_pipe_server& server) {
  auto failure = ask<void>(server.actor(), pipeactor::stop{});
  // It was told, and tries again.
  if (failure)
    failure = ask<void>(server.actor(), pipeactor::stop{});
  if (failure)
    throw broken_rule{"a server does not stop: " + describe(failure)};
}

contract::client_ptr world::connect() {
  auto client = network_ ? contract::connect_over_network(*network_, name_, pipe_mode::message,
                                                          this_process())
                         : contract::connect_to(address_, pipe_mode::message);
  if (!client)
    throw broken_rule{"a client cannot connect"};
  return client;
}

bool world::hears(contract::test_client& client, const std::string& text) {
  turn_until(text.c_str(), [&] { return client.wait_readable(contract::wait_time{0}); });
  if (client.at_end(contract::wait_time{0}))
    return false;
  if (client.receive() != text)
    throw broken_rule{"a client hears something else than " + text};
  return true;
}

contract::client_ptr world::welcomed() {
  auto client = connect();
  return hears(*client, welcome) ? client : nullptr;
}

} // namespace sweep
