#include "simulated_helpers.hpp"

using namespace simulated_helpers;

TEST_CASE("simulated port: a name belongs to one listener, until that is closed", "[simulated]") {
  auto network = std::make_shared<simulated_network>(1);
  auto port = make_port(network);
  recorder events;
  listen_request request;
  request.pipe_name = "svc";
  CHECK(code_of(network->connect("svc").error()) == errc::no_such_pipe);
  auto id = port->listen(request);
  REQUIRE(id);
  CHECK(port->address(*id) == "svc");
  CHECK(code_of(port->listen(request).error()) == errc::pipe_in_use);
  port->stop_listening(*id);
  port->stop_listening(*id);
  port->turn(time_point{}, events);
  port->turn(time_point{}, events);
  CHECK(events.all == lines{"0 listener closed"});
  CHECK(port->address(*id).empty());
  CHECK(code_of(network->connect("svc").error()) == errc::no_such_pipe);
  id = port->listen(request);
  REQUIRE(id);
  port->stop_listening(*id);
  port->turn(time_point{}, events);
}

TEST_CASE("simulated port: a listener needs a name and a message size that is granted",
          "[simulated]") {
  auto port = make_port(std::make_shared<simulated_network>(1));
  CHECK(code_of(port->listen({}).error()) == errc::missing_pipe_name);
  listen_request request;
  request.pipe_name = "svc";
  request.max_message_size = port->max_message_size() + 1;
  CHECK(code_of(port->listen(request).error()) == errc::invalid_option);
}

TEST_CASE("simulated port: clients of the other mode and beyond the backlog are refused",
          "[simulated]") {
  auto network = std::make_shared<simulated_network>(1);
  auto port = make_port(network);
  recorder events;
  listen_request request;
  request.pipe_name = "svc";
  request.mode = pipe_mode::byte;
  request.backlog = 1;
  auto id = *port->listen(request);
  CHECK(code_of(network->connect("svc").error()) == errc::not_a_pipe);
  auto waiting = *network->connect("svc", pipe_mode::byte);
  CHECK(code_of(port->connect("svc", pipe_mode::byte).error()) == errc::pipe_busy);
  port->stop_listening(id);
  port->turn(time_point{}, events);
  CHECK(waiting->was_reset());
}

TEST_CASE("simulated port: a connection that nobody adopts is closed", "[simulated]") {
  world w;
  auto quiet = *w.network->connect("svc");
  auto eager = *w.network->connect("svc");
  eager->send("unread");
  w.turn();
  REQUIRE(w.events.accepted.size() == 2);
  CHECK_FALSE(quiet->at_end());
  w.events.accepted.clear();
  CHECK((quiet->at_end() && !quiet->was_reset()));
  CHECK((eager->at_end() && eager->was_reset()));
  CHECK(quiet->send("x") == simulated_send::closed);
}

TEST_CASE("simulated port: no more clients are accepted than the owner deals with", "[simulated]") {
  world w;
  std::vector<std::shared_ptr<simulated_client>> clients;
  for (size_t count = 0; count < defaults::accepted_at_once; ++count)
    clients.push_back(*w.network->connect("svc"));
  w.turn();
  clients.push_back(*w.network->connect("svc"));
  w.turn(3);
  REQUIRE(w.events.accepted.size() == defaults::accepted_at_once);
  w.events.accepted.pop_back();
  w.turn();
  CHECK(w.events.accepted.size() == defaults::accepted_at_once);
  w.events.accepted.clear();
}

TEST_CASE("simulated port: nothing is accepted after a callback stopped the listener",
          "[simulated]") {
  world w;
  auto first = *w.network->connect("svc");
  auto second = *w.network->connect("svc");
  w.events.then = [&w](auto&) { w.port->stop_listening(w.listener); };
  w.turn(2);
  CHECK(w.events.take(listening) == lines{"accepted", "listener closed"});
  CHECK((first->at_end() != second->at_end()));
  w.events.accepted.clear();
}

TEST_CASE("simulated port: ports of a network connect, and adopt what another one accepted",
          "[simulated]") {
  world w;
  auto far = make_port(w.network);
  recorder events;
  constexpr uint64_t client_id = 7;
  constexpr uint64_t server_id = 8;
  auto client = caf::make_counted<pipe_record>(client_id, pipe_settings{});
  far->adopt(client, std::move(*far->connect("svc", pipe_mode::message)));
  w.turn();
  auto server = caf::make_counted<pipe_record>(server_id, pipe_settings{});
  far->adopt(server, std::move(w.events.accepted.back()));
  far->start_reading(*client);
  far->start_reading(*server);
  far->write(*client, payload{"question"});
  events.then = [&](auto& event) {
    if (event == "8 received question")
      far->write(*server, payload{"answer"});
    if (event == "7 received answer")
      far->close(*client);
    if (event == "8 ended closed_by_peer")
      far->close(*server);
  };
  for (size_t turns = 0; turns < 6; ++turns)
    far->turn(time_point{}, events);
  CHECK(events.of[client_id] == lines{"sent 1", "received answer", "closed"});
  CHECK(events.of[server_id]
        == lines{"received question", "sent 1", "ended closed_by_peer", "closed"});
}
