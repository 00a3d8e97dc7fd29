#include "simulated_helpers.hpp"

#include <algorithm>
#include <set>
#include <thread>

using namespace pipeactor;
using namespace pipeactor::port;
using namespace simulated_helpers;
using namespace std::chrono_literals;

// -- listening --------------------------------------------------------------------------------

TEST_CASE("simulated_port::listen publishes a name that one server may hold", "[simulated]") {
  auto network = std::make_shared<simulated_network>(1);
  simulated_port port{network};
  recorder events;
  listen_request request{"svc", pipe_mode::byte, 1, 0};
  CHECK(code_of(network->connect("svc").error()) == errc::no_such_pipe);
  auto id = *port.listen(request);
  CHECK(port.address(id) == "svc");
  CHECK(code_of(port.listen(request).error()) == errc::pipe_in_use);
  CHECK(code_of(port.listen({}).error()) == errc::missing_pipe_name);
  CHECK(code_of(port.listen({"x", pipe_mode::message, 1, port.max_message_size() + 1}).error())
        == errc::invalid_option);
  CHECK(code_of(network->connect("svc").error()) == errc::not_a_pipe);
  auto waiting = *network->connect("svc", pipe_mode::byte);
  CHECK(code_of(port.connect("svc", pipe_mode::byte).error()) == errc::pipe_busy);
  port.stop_listening(id);
  port.stop_listening(id);
  CHECK(waiting->was_reset());
  CHECK(code_of(network->connect("svc", pipe_mode::byte).error()) == errc::no_such_pipe);
  port.turn(time_point{}, events);
  port.turn(time_point{}, events);
  CHECK(events.all == lines{"0 listener_closed"});
}

TEST_CASE("simulated_port closes what nobody adopts", "[simulated]") {
  world w;
  auto quiet = *w.network->connect("svc");
  auto eager = *w.network->connect("svc");
  eager->send("unread");
  w.turn();
  REQUIRE(w.events.accepted.size() == 2);
  CHECK(!quiet->at_end());
  w.events.accepted.clear();
  CHECK((quiet->at_end() && !quiet->was_reset()));
  CHECK((eager->at_end() && eager->was_reset()));
  CHECK(quiet->send("x") == simulated_send::closed);
}

TEST_CASE("simulated_port accepts nothing after a callback stopped the listener", "[simulated]") {
  world w;
  auto first = *w.network->connect("svc");
  auto second = *w.network->connect("svc");
  w.events.then = [&w](auto&) { w.port.stop_listening(w.listener); };
  w.turn(2);
  CHECK(w.events.take(0) == lines{"accepted", "listener_closed"});
  CHECK((first->at_end() != second->at_end()));
  w.events.accepted.clear();
}

// -- reading ----------------------------------------------------------------------------------

TEST_CASE("simulated_port::adopt fills in the record and does not read", "[simulated]") {
  world w;
  auto client = *w.network->connect("svc", pipe_mode::message, {12, 1000, 100, {7}, {}, {}, {}});
  client->send("early");
  w.turn();
  auto pipe = w.adopt(std::move(w.events.accepted.back()));
  CHECK(pipe->state() == pipe_state::connected);
  CHECK(pipe->native_handle() >= 0);
  CHECK(pipe->slot != pipe_record::no_slot);
  CHECK((pipe->peer().pid == 12 && pipe->peer().groups == std::vector<int64_t>{7}));
  w.turn(2);
  CHECK(w.events.of[1].empty());
  w.port.start_reading(*pipe);
  w.turn();
  CHECK(w.events.take(1) == lines{"received early"});
}

TEST_CASE("simulated_port delivers messages whole, in order, empty ones too", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port.start_reading(*pipe);
  for (auto& text : lines{"a", "", std::string(1000, 'x'), ""})
    CHECK(client->send(text) == simulated_send::sent);
  client->close();
  w.turn(2);
  CHECK(w.events.take(1)
        == lines{"received a", "received ", "received " + std::string(1000, 'x'), "received ",
                 "read_ended closed_by_peer"});
}

TEST_CASE("simulated_port delivers at most reads_per_turn messages in a turn", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port.start_reading(*pipe);
  for (size_t i = 0; i < defaults::reads_per_turn + 1; ++i)
    client->send("m");
  w.turn();
  CHECK(w.events.take(1).size() == defaults::reads_per_turn);
  w.turn();
  CHECK(w.events.take(1).size() == 1);
}

TEST_CASE("simulated_port::read_one delivers one message more per call", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port.read_one(*pipe);
  w.port.read_one(*pipe);
  w.turn();
  for (auto text : {"a", "b", "c", "d"})
    client->send(text);
  w.events.then = [&w, pipe = pipe](auto& event) {
    if (event == "1 received a")
      w.port.read_one(*pipe);
  };
  w.turn();
  CHECK(w.events.take(1) == lines{"received a", "received b"});
  w.turn(2);
  CHECK(w.events.take(1) == lines{"received c"});
}

TEST_CASE("simulated_port::pause_reading lets only the messages of this turn pass", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port.start_reading(*pipe);
  for (size_t i = 0; i < 100; ++i)
    client->send("m");
  w.events.then = [&w, pipe = pipe](auto&) { w.port.pause_reading(*pipe); };
  w.turn(3);
  CHECK(w.events.take(1).size() == defaults::reads_per_turn);
}

TEST_CASE("simulated_port ends reading at a message beyond the limit", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair(10);
  w.port.start_reading(*pipe);
  client->send(std::string(10, 'x'));
  client->send(std::string(11, 'y'));
  client->send("z");
  client->close();
  w.turn(2);
  CHECK(w.events.take(1)
        == lines{"received " + std::string(10, 'x'), "read_ended message_too_large"});
}

TEST_CASE("simulated_port delivers last words before the end", "[simulated]") {
  auto reset = GENERATE(false, true);
  world w;
  auto [client, pipe] = w.pair();
  client->send("last");
  client->send("words");
  reset ? client->abort() : client->close();
  w.turn();
  CHECK(w.events.of[1].empty()); // paused, and something is unread
  w.port.read_one(*pipe);
  w.turn();
  CHECK(w.events.take(1) == lines{"received last"});
  w.port.read_one(*pipe);
  w.turn(3);
  CHECK(w.events.take(1)
        == lines{"received words", reset ? "read_ended peer_reset" : "read_ended closed_by_peer"});
  w.write(pipe, "x");
  w.turn();
  CHECK(w.events.take(1) == lines{reset ? "failed 1 peer_reset" : "failed 1 closed_by_peer"});
}

TEST_CASE("simulated_port reports the end to a paused pipe with nothing unread", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  client->shutdown_write();
  CHECK(client->send("x") == simulated_send::closed);
  w.turn(2);
  CHECK(w.events.take(1) == lines{"read_ended closed_by_peer"});
  w.write(pipe, "still heard");
  w.turn();
  CHECK(w.events.take(1) == lines{"sent 1"});
  CHECK(client->receive() == "still heard");
}

TEST_CASE("simulated_port charges received payloads to the pipe's account", "[simulated]") {
  struct counting_account final : detail::payload_account {
    void payload_received(size_t size) noexcept override {
      ++payloads;
      bytes += size;
    }
    void payload_released(size_t size) noexcept override {
      --payloads;
      bytes -= size;
      port->wake(); // as a bridge would: must not meet the network's mutex
    }
    int payloads = 0;
    size_t bytes = 0;
    simulated_port* port = nullptr;
  } account;
  {
    world w;
    account.port = &w.port;
    w.account = &account;
    auto [client, pipe] = w.pair();
    w.port.start_reading(*pipe);
    client->send("four");
    client->send("");
    w.turn();
    CHECK(account.payloads == 2);
    CHECK(account.bytes == 4);
    for (auto& data : std::exchange(w.events.kept, {}))
      if (!data.empty())
        w.port.write(*pipe, data);
    w.turn();
    CHECK(client->receive() == "four");
    CHECK(account.payloads == 0);
    CHECK(account.bytes == 0);
  }
}

// -- writing ----------------------------------------------------------------------------------

TEST_CASE("simulated_port keeps writes pending while the pipe is full", "[simulated]") {
  world w{small_pipe(10, 3)};
  auto [client, pipe] = w.pair();
  for (auto text : {"1", "22", "333", "4444", "55555", "longer than the whole pipe"})
    w.write(pipe, text);
  w.turn(2);
  CHECK(w.events.take(1) == lines{"sent 3"}); // three messages
  CHECK(client->receive() == "1");
  w.turn();
  CHECK(w.events.take(1) == lines{"sent 1"}); // nine bytes
  lines rest;
  for (size_t i = 0; i < 10; ++i) {
    while (auto text = client->receive())
      rest.push_back(*text);
    w.turn();
  }
  CHECK(rest == lines{"22", "333", "4444", "55555", "longer than the whole pipe"});
  CHECK(client->send("12345") == simulated_send::sent);
  CHECK(client->send("123456") == simulated_send::would_block);
  CHECK(client->send(std::string((4 << 20) + 1, 'x')) == simulated_send::too_large);
}

TEST_CASE("simulated_port fails pending writes when the peer goes", "[simulated]") {
  world w{small_pipe(10, 1)};
  auto [client, pipe] = w.pair();
  for (auto text : {"1", "2", "3"})
    w.write(pipe, text);
  w.turn();
  client->close();
  w.turn();
  auto events = w.events.take(1);
  std::sort(events.begin(), events.end()); // reads and writes have no order between them
  CHECK(events == lines{"failed 2 closed_by_peer", "read_ended closed_by_peer", "sent 1"});
}

// -- closing ----------------------------------------------------------------------------------

TEST_CASE("simulated_port::close cancels, and harms no last words", "[simulated]") {
  world w{small_pipe(100, 2)};
  auto [client, pipe] = w.pair();
  w.port.start_reading(*pipe);
  w.write(pipe, "last");
  w.write(pipe, "words");
  w.write(pipe, "too many");
  w.turn();
  CHECK(w.events.take(1) == lines{"sent 2"});
  client->send("nobody reads this");
  w.port.close(*pipe);
  w.port.close(*pipe);
  CHECK(pipe->state() == pipe_state::closing);
  w.write(pipe, "too late");
  CHECK(w.events.of[1].empty());
  w.turn();
  w.port.close(*pipe);
  w.turn();
  CHECK(w.events.take(1) == lines{"failed 2 operation_aborted", "closed"});
  CHECK(!client->was_reset());
  CHECK(client->receive() == "last");
  CHECK(!client->at_end());
  CHECK(client->receive() == "words");
  CHECK(client->at_end());
}

TEST_CASE("simulated_port reports only the end of a pipe that a callback closed", "[simulated]") {
  simulated_options options;
  options.seed = GENERATE(range(0, 8)); // "sent" comes before the close, or not at all
  world w{options};
  auto [client, pipe] = w.pair();
  w.port.start_reading(*pipe);
  w.write(pipe, "early");
  for (auto text : {"a", "b", "c"})
    client->send(text);
  w.events.then = [&w, pipe = pipe, failures = 0](auto& event) mutable {
    if (event == "1 received a") {
      w.write(pipe, "reply");
      w.port.close(*pipe);
    } else if (event.rfind("1 failed", 0) == 0 && ++failures == 1) {
      w.write(pipe, "once more");
    }
  };
  w.turn(3);
  auto events = w.events.take(1);
  lines expected{"received a", "failed 2 operation_aborted", "failed 1 operation_aborted",
                 "closed"};
  if (events[0] == "sent 1")
    expected = {"sent 1", "received a", "failed 1 operation_aborted", expected[2], "closed"};
  CHECK(events == expected);
  CHECK((client->receive() == "early" && client->at_end()));
}

// -- requests from inside callbacks -----------------------------------------------------------

TEST_CASE("simulated_port takes every request from inside a callback", "[simulated]") {
  world w;
  auto client = *w.network->connect("svc");
  client->send("ping");
  client->send("bye");
  w.events.then = [&w](auto& event) {
    if (event == "0 accepted")
      w.port.start_reading(*w.adopt(std::move(w.events.accepted.back())));
    if (event == "1 received ping")
      w.write(w.pipes[0], "pong");
    if (event == "1 received bye")
      w.port.stop_listening(w.listener);
    if (event == "1 sent 1")
      w.port.close(*w.pipes[0]);
    if (event == "1 closed")
      CHECK(w.port.listen({"other", pipe_mode::message, 1, 0}));
  };
  w.turn(6);
  CHECK(w.events.take(1) == lines{"received ping", "received bye", "sent 1", "closed"});
  CHECK(client->receive() == "pong");
  CHECK(w.network->connect("other"));
  w.port.stop_listening(w.listener + 1);
}

// -- byte mode --------------------------------------------------------------------------------

TEST_CASE("simulated_port joins and splits in byte mode", "[simulated]") {
  auto split = GENERATE(false, true);
  simulated_options options = small_pipe(50, 1);
  options.split_reads = split;
  world w{options, pipe_mode::byte};
  auto [client, pipe] = w.pair(20);
  w.port.start_reading(*pipe);
  CHECK(client->send("") == simulated_send::sent);
  CHECK(client->send("0123456789") == simulated_send::sent);
  CHECK(client->send("0123456789abcde") == simulated_send::sent);
  client->close();
  w.turn(2);
  auto events = w.events.take(1);
  CHECK(joined(events) == "01234567890123456789abcde");
  CHECK(events.back() == "read_ended closed_by_peer");
  CHECK((split ? events.size() > 3 : events.size() == 3));
}

TEST_CASE("simulated_port writes through a byte pipe that is smaller", "[simulated]") {
  world w{small_pipe(50, 1), pipe_mode::byte};
  auto [client, pipe] = w.pair();
  w.write(pipe, std::string(120, 'x'));
  w.write(pipe, "y");
  std::string got;
  for (size_t size : {50, 100, 121}) {
    w.turn();
    got += client->receive().value_or("");
    CHECK(got.size() == size);
  }
  CHECK(w.events.take(1) == lines{"sent 2"});
  CHECK(got == std::string(120, 'x') + "y");
}

// -- the seed ---------------------------------------------------------------------------------

TEST_CASE("simulated_port is decided by its seed alone", "[simulated]") {
  auto run = [](uint64_t seed) {
    simulated_options options = small_pipe(100, 20);
    options.seed = seed;
    world w{options};
    std::vector<simulated_client_ptr> clients;
    for (size_t i = 0; i < 3; ++i) {
      auto [client, pipe] = w.pair();
      w.port.start_reading(*pipe);
      clients.push_back(client);
    }
    for (size_t turn = 0; turn < 3; ++turn) {
      for (auto& client : clients)
        for (auto text : {"a", "b", "c"})
          client->send(text + std::to_string(turn));
      for (auto& pipe : w.pipes)
        w.write(pipe, "x");
      w.turn();
    }
    for (auto& client : clients)
      client->abort();
    w.turn();
    for (auto& [id, events] : w.events.of) {
      auto sent = [](auto& event) { return event == "sent 1"; };
      events.erase(std::remove_if(events.begin(), events.end(), sent), events.end());
    }
    return std::pair{w.events.all, w.events.of};
  };
  auto [first, reads] = run(1);
  std::set<lines> runs;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    auto [all, of] = run(seed);
    CHECK(all == run(seed).first);
    CHECK(of == reads);
    runs.insert(all);
  }
  CHECK(runs.size() == 10);
}

// -- time -------------------------------------------------------------------------------------

TEST_CASE("simulated_port moves virtual time only when nothing else is to do", "[simulated]") {
  world w;
  simulated_port other{w.network};
  auto start = w.port.now();
  w.port.turn(time_point::max(), w.events);
  CHECK(w.port.now() == start);
  w.port.turn(start + 1s, w.events);
  CHECK(w.network->now() == start + 1s);
  w.port.wake();
  w.port.turn(start + 2s, w.events);
  CHECK(w.port.now() == start + 1s);
  auto client = *w.network->connect("svc");
  other.turn(start + 3s, w.events); // not its client, but somebody has work
  w.port.turn(start + 3s, w.events);
  CHECK(w.port.now() == start + 1s);
  w.network->advance(1s);
  CHECK(other.now() == start + 2s);
  w.port.turn(start + 1s, w.events);
  CHECK(w.port.now() == start + 2s);
  w.events.accepted.clear();
}

TEST_CASE("simulated_port connects to other ports, which adopt what it accepted", "[simulated]") {
  world w;
  simulated_port far{w.network};
  recorder events;
  auto mine = caf::make_counted<pipe_record>(7, pipe_settings{});
  far.adopt(mine, std::move(*far.connect("svc", pipe_mode::message)));
  w.turn();
  auto theirs = caf::make_counted<pipe_record>(8, pipe_settings{});
  far.adopt(theirs, std::move(w.events.accepted.back()));
  far.start_reading(*mine);
  far.start_reading(*theirs);
  far.write(*mine, payload{"question"});
  events.then = [&](auto& event) {
    if (event == "8 received question")
      far.write(*theirs, payload{"answer"});
    if (event == "7 received answer")
      far.close(*mine);
    if (event == "8 read_ended closed_by_peer")
      far.close(*theirs);
  };
  for (size_t i = 0; i < 6; ++i)
    far.turn(time_point{}, events);
  CHECK(events.of[7] == lines{"sent 1", "received answer", "closed"});
  CHECK(events.of[8]
        == lines{"received question", "sent 1", "read_ended closed_by_peer", "closed"});
}

TEST_CASE("simulated_port sleeps in real time until something happens", "[simulated][threads]") {
  simulated_options options;
  options.clock = simulated_clock::real_time;
  world w{options};
  auto before = clock::now();
  w.port.turn(before + 20ms, w.events);
  CHECK(clock::now() >= before + 20ms);
  std::thread waker{[&w] { w.port.wake(); }};
  w.port.turn(time_point::max(), w.events);
  waker.join();
  constexpr size_t count = 1000;
  std::thread player{[&w] {
    auto client = *w.network->connect("svc");
    for (size_t sent = 0, received = 0; received < count;) {
      if (sent < count && client->send(std::to_string(sent)) == simulated_send::sent)
        ++sent;
      while (client->receive())
        ++received;
      std::this_thread::yield();
    }
  }};
  w.events.then = [&w](auto& event) {
    if (event == "0 accepted")
      w.port.start_reading(*w.adopt(std::move(w.events.accepted.back())));
    else if (event.find("received") != std::string::npos)
      w.port.write(*w.pipes[0], w.events.kept.back());
    else if (event.find("read_ended") != std::string::npos)
      w.port.close(*w.pipes[0]);
  };
  while (w.events.of[1].empty() || w.events.of[1].back() != "closed")
    w.port.turn(time_point::max(), w.events);
  player.join();
  CHECK(w.events.kept.size() == count);
  CHECK(w.events.kept.back().text() == std::to_string(count - 1));
}
