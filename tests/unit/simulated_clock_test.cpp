#include "simulated_helpers.hpp"

#include <thread>

using namespace simulated_helpers;
using namespace std::chrono_literals;

TEST_CASE("simulated port: virtual time moves to the deadline if no port has work", "[simulated]") {
  world w;
  auto start = w.port->now();
  w.port->turn(time_point::max(), w.events);
  CHECK(w.port->now() == start);
  w.port->turn(start + 1s, w.events);
  CHECK(w.network->now() == start + 1s);
  w.port->turn(start, w.events);
  CHECK(w.port->now() == start + 1s);
}

TEST_CASE("simulated port: virtual time stands still for a wake-up, and for the work of others",
          "[simulated]") {
  world w;
  auto other = make_port(w.network);
  auto start = w.port->now();
  w.port->wake();
  w.port->turn(start + 1s, w.events);
  CHECK(w.port->now() == start);
  auto client = *w.network->connect("svc");
  other->turn(start + 1s, w.events); // the client is not its own, but it is work
  CHECK(w.port->now() == start);
  w.port->turn(start + 1s, w.events);
  CHECK(w.port->now() == start);
  w.events.accepted.clear();
}

TEST_CASE("simulated_network::advance moves virtual time for all ports", "[simulated]") {
  world w;
  auto other = make_port(w.network);
  auto start = w.port->now();
  w.network->advance(1s);
  CHECK(w.port->now() == start + 1s);
  CHECK(other->now() == start + 1s);
}

TEST_CASE("simulated port: a turn in real time sleeps until its deadline or a wake-up",
          "[simulated][threads]") {
  simulated_options options;
  options.clock = simulated_clock::real_time;
  world w{options};
  auto deadline = clock::now() + 20ms;
  w.port->turn(deadline, w.events);
  CHECK(clock::now() >= deadline);
  std::thread waker{[&w] { w.port->wake(); }};
  w.port->turn(time_point::max(), w.events);
  waker.join();
}

TEST_CASE("simulated port: a turn in real time sleeps until a client does something",
          "[simulated][threads]") {
  constexpr size_t messages = 1000;
  simulated_options options;
  options.clock = simulated_clock::real_time;
  world w{options};
  std::thread player{[&w] {
    auto client = *w.network->connect("svc");
    for (size_t sent = 0, received = 0; received < messages;) {
      if (sent < messages && client->send(std::to_string(sent)) == simulated_send::sent)
        ++sent;
      while (client->receive())
        ++received;
      std::this_thread::yield();
    }
  }};
  w.events.then = [&w](auto& event) {
    if (event == "0 accepted")
      w.port->start_reading(*w.adopt(std::move(w.events.accepted.back())));
    else if (event.find("received") != std::string::npos)
      w.port->write(*w.pipes[0], w.events.kept.back());
    else if (event.find(" ended ") != std::string::npos)
      w.port->close(*w.pipes[0]);
  };
  while (w.events.of[1].empty() || w.events.of[1].back() != "closed")
    w.port->turn(time_point::max(), w.events);
  player.join();
  CHECK(w.events.kept.size() == messages);
  CHECK(w.events.kept.back().text() == std::to_string(messages - 1));
}
