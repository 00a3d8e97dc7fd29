#include "port/accept_gate.hpp"

#include "port/closed_handles.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace pipeactor;
using namespace pipeactor::port;

TEST_CASE("an accept_gate is shut while all its tickets are out, and reports when it opens") {
  int opened = 0;
  std::vector<accept_gate::ticket> tickets;
  {
    accept_gate gate;
    gate.on_open([&] { ++opened; });
    while (gate.is_open())
      tickets.push_back(gate.admit());
    CHECK(tickets.size() == defaults::accepted_at_once);
    tickets.pop_back();
    CHECK(opened == 1);
    CHECK(gate.is_open());
    // It was open already.
    tickets.pop_back();
    CHECK(opened == 1);
    tickets.push_back(gate.admit());
    tickets.push_back(gate.admit());
    CHECK_FALSE(gate.is_open());
  }
  // The gate is gone, and so may be what it called.
  tickets.clear();
  CHECK(opened == 1);
}

TEST_CASE("an accept_gate's ticket counts once, however often it is moved") {
  accept_gate gate;
  std::vector<accept_gate::ticket> tickets;
  while (gate.is_open())
    tickets.push_back(gate.admit());
  auto moved = std::move(tickets.back());
  tickets.pop_back();
  CHECK_FALSE(gate.is_open());
  auto again = accept_gate::ticket{};
  again = std::move(moved);
  moved = accept_gate::ticket{};
  CHECK_FALSE(gate.is_open());
  again = accept_gate::ticket{};
  CHECK(gate.is_open());
}

TEST_CASE("closed_handle_watch calls its function for each closed handle while it watches") {
  int calls = 0;
  auto before = closed_handles();
  closed_handle_watch watch{[&] { ++calls; }};
  handle_was_closed();
  CHECK(calls == 0);
  for (int round = 0; round < 2; ++round) {
    watch.watch(true);
    watch.watch(true);
    handle_was_closed();
    handle_was_closed();
    watch.watch(false);
    watch.watch(false);
    handle_was_closed();
  }
  CHECK(calls == 4);
  CHECK(closed_handles() == before + 7);
}
