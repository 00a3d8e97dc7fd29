#include "simulated_helpers.hpp"

using namespace simulated_helpers;

TEST_CASE("simulated port: close cancels writes, and the peer can still read last words",
          "[simulated]") {
  constexpr size_t most_messages = 2;
  world w{small_pipe(100, most_messages)};
  auto [client, pipe] = w.pair();
  w.port->start_reading(*pipe);
  w.write(pipe, "last");
  w.write(pipe, "words");
  w.write(pipe, "too many");
  w.turn();
  CHECK(w.events.take(1) == lines{"sent 2"});
  client->send("nobody reads this");
  w.port->close(*pipe);
  w.port->close(*pipe);
  CHECK(pipe->state() == pipe_state::closing);
  w.write(pipe, "too late");
  CHECK(w.events.of[1].empty());
  w.turn();
  w.port->close(*pipe);
  w.turn();
  CHECK(w.events.take(1) == lines{"failed 2 operation_aborted", "closed"});
  CHECK_FALSE(client->was_reset());
  CHECK(client->receive() == "last");
  CHECK_FALSE(client->at_end());
  CHECK(client->receive() == "words");
  CHECK(client->at_end());
}

TEST_CASE("simulated port: only the end is reported of a pipe that a callback closed",
          "[simulated]") {
  simulated_options options;
  options.seed = GENERATE(range(0, 8)); // "sent" comes before the close, or not at all
  world w{options};
  auto [client, pipe] = w.pair();
  w.port->start_reading(*pipe);
  w.write(pipe, "early");
  for (auto text : {"a", "b", "c"})
    client->send(text);
  w.events.then = [&w, pipe = pipe, failures = 0](auto& event) mutable {
    if (event == "1 received a") {
      w.write(pipe, "reply");
      w.port->close(*pipe);
    } else if (event.rfind("1 failed", 0) == 0 && ++failures == 1) {
      w.write(pipe, "once more");
    }
  };
  w.turn(world::turns_to_end);
  auto events = w.events.take(1);
  if (events[0] == "sent 1")
    CHECK(events
          == lines{"sent 1", "received a", "failed 1 operation_aborted",
                   "failed 1 operation_aborted", "closed"});
  else
    CHECK(
      events
      == lines{"received a", "failed 2 operation_aborted", "failed 1 operation_aborted", "closed"});
  CHECK((client->receive() == "early" && client->at_end()));
}

TEST_CASE("simulated port: callbacks may make every request", "[simulated]") {
  world w;
  auto client = *w.network->connect("svc");
  client->send("ping");
  client->send("bye");
  caf::expected<listener_id> other{caf::error{}};
  w.events.then = [&](auto& event) {
    if (event == "0 accepted")
      w.port->start_reading(*w.adopt(std::move(w.events.accepted.back())));
    if (event == "1 received ping")
      w.write(w.pipes[0], "pong");
    if (event == "1 received bye")
      w.port->stop_listening(w.listener);
    if (event == "1 sent 1")
      w.port->close(*w.pipes[0]);
    if (event == "1 closed")
      other = w.port->listen({"other", pipe_mode::message, 1, 0});
  };
  w.turn(6);
  CHECK(w.events.take(1) == lines{"received ping", "received bye", "sent 1", "closed"});
  CHECK(client->receive() == "pong");
  REQUIRE(other);
  CHECK(w.network->connect("other"));
  w.port->stop_listening(*other);
}
