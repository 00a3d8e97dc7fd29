// The faults of a simulated network: each case makes one happen at every chance.

#include "simulated_helpers.hpp"

using namespace simulated_helpers;

namespace {

simulated_faults always(uint32_t simulated_faults::*fault) {
  simulated_faults result;
  result.*fault = 1;
  return result;
}

} // namespace

TEST_CASE("simulated port: a close loses to a completion that is late", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.network->set_faults(always(&simulated_faults::late_completions));
  w.write(pipe, "left");
  w.turn(3);
  CHECK(w.events.take(1).empty());
  CHECK(client->receive() == "left");
  w.port->close(*pipe);
  w.turn(2);
  CHECK(w.events.take(1) == lines{"failed 1 operation_aborted", "closed"});
}

TEST_CASE("simulated port: a late completion comes once, in order", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port->start_reading(*pipe);
  w.network->set_faults(always(&simulated_faults::late_completions));
  client->send("a");
  w.turn();
  client->send("b");
  w.turn();
  CHECK(w.events.take(1).empty());
  w.network->set_faults({});
  w.turn(2);
  CHECK(w.events.take(1) == lines{"received a", "received b"});
}

TEST_CASE("simulated port: a short write goes on later", "[simulated]") {
  world w{{}, pipe_mode::byte};
  auto [client, pipe] = w.pair();
  w.network->set_faults(always(&simulated_faults::short_writes));
  w.write(pipe, "abcdefgh");
  w.turn();
  CHECK(w.events.take(1).empty());
  w.turn(8);
  CHECK(w.events.take(1) == lines{"sent 1"});
  CHECK(client->receive() == "abcdefgh");
}

TEST_CASE("simulated port: a slow close takes more turns", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.network->set_faults(always(&simulated_faults::slow_closes));
  w.port->close(*pipe);
  w.turn(5);
  CHECK(w.events.take(1).empty());
  w.network->set_faults({});
  w.turn();
  CHECK(w.events.take(1) == lines{"closed"});
}

TEST_CASE("simulated port: both ends of a connection that breaks see a reset after the last words",
          "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port->start_reading(*pipe);
  client->send("last words");
  w.network->set_faults(always(&simulated_faults::cuts));
  w.turn(2);
  CHECK(w.events.take(1) == lines{"received last words", "ended peer_reset"});
  CHECK(client->was_reset());
  CHECK(client->send("more") == simulated_send::closed);
}

TEST_CASE("simulated port: a write that fails ends the pipe, and nothing goes out after it",
          "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.network->set_faults(always(&simulated_faults::failed_sends));
  w.write(pipe, "a");
  w.write(pipe, "b");
  w.events.then = [&pipe = pipe](const std::string&) { CHECK_FALSE(pipe->is_connected()); };
  w.turn();
  w.events.then = nullptr;
  CHECK(w.events.take(1) == lines{"failed 2 out_of_resources", "ended out_of_resources"});
  w.network->set_faults({});
  w.write(pipe, "c");
  w.turn();
  CHECK(w.events.take(1) == lines{"failed 1 out_of_resources"});
  CHECK_FALSE(client->receive());
}

TEST_CASE("simulated port: a read that fails ends reading", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port->start_reading(*pipe);
  w.network->set_faults(always(&simulated_faults::failed_receives));
  client->send("a");
  w.turn(2);
  auto events = w.events.take(1);
  REQUIRE(events.size() == 1);
  CHECK((events[0] == "ended out_of_resources" || events[0] == "ended os_error"));
}

TEST_CASE("simulated port: a listener that cannot accept rests, and its clients wait",
          "[simulated]") {
  world w;
  w.network->set_faults(always(&simulated_faults::exhausted_accepts));
  auto client = w.network->connect("svc");
  REQUIRE(client);
  w.turn(3);
  w.network->set_faults({});
  w.turn();
  CHECK(w.events.accepted.empty());
  w.network->advance(defaults::accept_backoff);
  w.turn();
  CHECK(w.events.accepted.size() == 1);
  w.events.accepted.clear();
}

TEST_CASE("simulated port: a client that is gone before it is accepted is forgotten",
          "[simulated]") {
  world w;
  w.network->set_faults(always(&simulated_faults::aborted_accepts));
  auto client = w.network->connect("svc");
  REQUIRE(client);
  w.turn();
  CHECK(w.events.accepted.empty());
  CHECK((*client)->was_reset());
}

TEST_CASE("simulated port: a listener that dies gives its name back", "[simulated]") {
  world w;
  w.network->set_faults(always(&simulated_faults::dead_listeners));
  REQUIRE(w.network->connect("svc"));
  w.turn(2);
  CHECK(w.events.take(listening) == lines{"listener failed os_error"});
  CHECK(code_of(w.network->connect("svc").error()) == errc::no_such_pipe);
}

TEST_CASE("simulated port: listening and connecting fail if they are to", "[simulated]") {
  world w;
  simulated_faults faults;
  faults.failed_listens = 1;
  faults.failed_connects = 1;
  w.network->set_faults(faults);
  auto listener = w.port->listen({"other", pipe_mode::message, 1, 0});
  REQUIRE_FALSE(listener);
  CHECK(code_of(listener.error()) == errc::out_of_resources);
  faults.failed_listens = 0;
  faults.busy_names = 1;
  w.network->set_faults(faults);
  listener = w.port->listen({"other", pipe_mode::message, 1, 0});
  REQUIRE_FALSE(listener);
  CHECK(code_of(listener.error()) == errc::pipe_busy);
  auto raw = w.port->connect("svc", pipe_mode::message);
  REQUIRE_FALSE(raw);
  auto code = code_of(raw.error());
  CHECK((code == errc::pipe_busy || code == errc::no_such_pipe || code == errc::out_of_resources));
}
