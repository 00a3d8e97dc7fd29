#include "simulated_helpers.hpp"

using namespace simulated_helpers;

namespace {

/// Counts what is received and not released, and wakes the port as a bridge would.
class counting_account final : public detail::payload_account {
public:
  void payload_received(size_t size) noexcept override {
    ++payloads;
    bytes += size;
  }

  void payload_released(size_t size) noexcept override {
    --payloads;
    bytes -= size;
    // Hangs if the port releases a payload with the network's mutex held.
    port->wake();
  }

  int payloads = 0;
  size_t bytes = 0;
  completion_port* port = nullptr;
};

} // namespace

TEST_CASE("simulated port: adopt fills in the record, and does not read", "[simulated]") {
  world w;
  peer_identity who;
  who.pid = 12;
  who.groups = {7};
  auto client = *w.network->connect("svc", pipe_mode::message, who);
  client->send("early");
  w.turn();
  auto pipe = w.adopt(std::move(w.events.accepted.back()));
  CHECK(pipe->state() == pipe_state::connected);
  CHECK(pipe->native_handle() >= 0);
  CHECK(pipe->slot != pipe_record::no_slot);
  CHECK((pipe->peer().pid == who.pid && pipe->peer().groups == who.groups));
  w.turn(2);
  CHECK(w.events.of[1].empty());
  w.port->start_reading(*pipe);
  w.turn();
  CHECK(w.events.take(1) == lines{"received early"});
}

TEST_CASE("simulated port: messages arrive whole and in order, empty ones too", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port->start_reading(*pipe);
  auto longest = std::string(world::receive_limit, 'x');
  for (auto& text : lines{"a", "", longest, ""})
    CHECK(client->send(text) == simulated_send::sent);
  client->close();
  w.turn(2);
  CHECK(w.events.take(1)
        == lines{"received a", "received ", "received " + longest, "received ",
                 "ended closed_by_peer"});
}

TEST_CASE("simulated port: a turn delivers at most reads_per_turn messages of a pipe",
          "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port->start_reading(*pipe);
  for (size_t sent = 0; sent < defaults::reads_per_turn + 1; ++sent)
    client->send("m");
  w.turn();
  CHECK(w.events.take(1).size() == defaults::reads_per_turn);
  w.turn();
  CHECK(w.events.take(1).size() == 1);
}

TEST_CASE("simulated port: read_one delivers one message more with each call", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port->read_one(*pipe);
  w.port->read_one(*pipe);
  w.turn();
  for (auto text : {"a", "b", "c", "d"})
    client->send(text);
  w.events.then = [&w, pipe = pipe](auto& event) {
    if (event == "1 received a")
      w.port->read_one(*pipe);
  };
  w.turn();
  CHECK(w.events.take(1) == lines{"received a", "received b"});
  w.turn(2);
  CHECK(w.events.take(1) == lines{"received c"});
}

TEST_CASE("simulated port: pause_reading lets only the messages of this turn through",
          "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port->start_reading(*pipe);
  for (size_t sent = 0; sent < 3 * defaults::reads_per_turn; ++sent)
    client->send("m");
  w.events.then = [&w, pipe = pipe](auto&) { w.port->pause_reading(*pipe); };
  w.turn(3);
  CHECK(w.events.take(1).size() == defaults::reads_per_turn);
}

TEST_CASE("simulated port: reading ends at a message that is longer than the limit",
          "[simulated]") {
  constexpr size_t limit = 10;
  world w;
  auto [client, pipe] = w.pair(limit);
  w.port->start_reading(*pipe);
  client->send(std::string(limit, 'x'));
  client->send(std::string(limit + 1, 'y'));
  client->send("z");
  client->close();
  w.turn(2);
  CHECK(w.events.take(1)
        == lines{"received " + std::string(limit, 'x'), "ended message_too_large"});
}

TEST_CASE("simulated port: last words are delivered before the end", "[simulated]") {
  auto reset = GENERATE(false, true);
  auto reason = std::string{reset ? "peer_reset" : "closed_by_peer"};
  world w;
  auto [client, pipe] = w.pair();
  client->send("last");
  client->send("words");
  reset ? client->abort() : client->close();
  w.turn();
  CHECK(w.events.of[1].empty()); // paused, and something is unread
  w.port->read_one(*pipe);
  w.turn();
  CHECK(w.events.take(1) == lines{"received last"});
  w.port->read_one(*pipe);
  w.turn(3);
  CHECK(w.events.take(1) == lines{"received words", "ended " + reason});
  w.write(pipe, "x");
  w.turn();
  CHECK(w.events.take(1) == lines{"failed 1 " + reason});
}

TEST_CASE("simulated port: the end is reported while reading is paused if nothing is unread",
          "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  client->shutdown_write();
  w.turn(2);
  CHECK(w.events.take(1) == lines{"ended closed_by_peer"});
  w.write(pipe, "still heard");
  w.turn();
  CHECK(w.events.take(1) == lines{"sent 1"});
  CHECK(client->receive() == "still heard");
}

TEST_CASE("simulated port: received payloads are charged to the account of their pipe",
          "[simulated]") {
  counting_account account;
  world w;
  account.port = w.port.get();
  w.account = &account;
  auto [client, pipe] = w.pair();
  w.port->start_reading(*pipe);
  client->send("four");
  client->send("");
  w.turn();
  CHECK(account.payloads == 2);
  CHECK(account.bytes == 4);
  for (auto& data : std::exchange(w.events.kept, {}))
    if (!data.empty())
      w.port->write(*pipe, data);
  w.turn();
  CHECK(client->receive() == "four");
  CHECK(account.payloads == 0);
  CHECK(account.bytes == 0);
}

TEST_CASE("simulated port: byte mode joins what was sent, and cuts it as the seed says",
          "[simulated]") {
  constexpr size_t longest_piece = 20;
  auto split = GENERATE(false, true);
  auto options = small_pipe(50, 1);
  options.split_reads = split;
  world w{options, pipe_mode::byte};
  auto [client, pipe] = w.pair(longest_piece);
  w.port->start_reading(*pipe);
  CHECK(client->send("") == simulated_send::sent);
  CHECK(client->send("0123456789") == simulated_send::sent);
  CHECK(client->send("0123456789abcde") == simulated_send::sent);
  client->close();
  w.turn(2);
  auto events = w.events.take(1);
  CHECK(joined(events) == "01234567890123456789abcde");
  CHECK(events.back() == "ended closed_by_peer");
  auto pieces = events.size() - 1;
  CHECK((split ? pieces > 2 : pieces == 2));
}

TEST_CASE("simulated port: a pipe shows that it has dropped, even if its input is unread",
          "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  client->send("unread");
  w.turn(2);
  CHECK(pipe->state() == pipe_state::connected);
  client->close();
  w.turn(2);
  CHECK(pipe->state() == pipe_state::closing);
  CHECK(w.events.take(pipe->id()).empty());
}
