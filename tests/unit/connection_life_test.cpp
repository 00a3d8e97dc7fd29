// The table that a connection's actor runs, walked from every state with every event.

#include "actors/connection_life.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

using namespace pipeactor::detail;

namespace {

using state = connection_state;
using event = connection_event;
using action = connection_action;

std::vector<state> all_states() {
  std::vector<state> result;
  for (size_t index = 0; index < num_connection_states; ++index)
    result.push_back(static_cast<state>(index));
  return result;
}

std::vector<event> all_events() {
  std::vector<event> result;
  for (size_t index = 0; index < num_connection_events; ++index)
    result.push_back(static_cast<event>(index));
  return result;
}

/// Returns the states that can be reached from `from`, itself included.
std::set<state> reachable(state from) {
  std::set<state> result{from};
  for (auto size = result.size() + 1; size != result.size();) {
    size = result.size();
    for (auto s : std::set<state>{result})
      for (auto e : all_events())
        result.insert(transition_of(s, e).next);
  }
  return result;
}

} // namespace

TEST_CASE("a connection that is opening can get to every state") {
  CHECK(reachable(state::opening).size() == num_connection_states);
}

TEST_CASE("a connection never leaves the state closed") {
  for (auto e : all_events()) {
    INFO(to_string(e));
    CHECK(transition_of(state::closed, e).next == state::closed);
  }
}

TEST_CASE("a close ends a connection in every state") {
  for (auto s : all_states()) {
    INFO(to_string(s));
    auto next = transition_of(s, event::close).next;
    CHECK((next == state::closing || next == state::closed));
    // A closing connection waits for the port, and for nothing else.
    if (next == state::closing)
      CHECK(transition_of(next, event::pipe_closed).next == state::closed);
  }
}

TEST_CASE("the last event of a connection is raised on the way to closed, and only there") {
  for (auto s : all_states())
    for (auto e : all_events()) {
      INFO(to_string(s) << ", " << to_string(e));
      auto [what, next] = transition_of(s, e);
      auto ends = s != state::closed && next == state::closed;
      CHECK((what == action::finish) == ends);
    }
}

TEST_CASE("an operation never changes the state of a connection, and is never lost") {
  for (auto s : all_states())
    for (auto e : {event::write, event::read}) {
      INFO(to_string(s) << ", " << to_string(e));
      auto [what, next] = transition_of(s, e);
      CHECK(next == s);
      CHECK((what == action::queue || what == action::pass_on || what == action::refuse));
    }
}

TEST_CASE("only a connection that is opening keeps operations for later") {
  for (auto s : all_states())
    for (auto e : {event::write, event::read}) {
      INFO(to_string(s) << ", " << to_string(e));
      CHECK((transition_of(s, e).action == action::queue) == (s == state::opening));
    }
}

TEST_CASE("messages are delivered while a connection is connected, and at no other time") {
  for (auto s : all_states()) {
    INFO(to_string(s));
    CHECK((transition_of(s, event::received).action == action::deliver) == (s == state::connected));
  }
}

TEST_CASE("the end of the input lets a connection drain, once") {
  CHECK(transition_of(state::connected, event::input_ended).next == state::draining);
  for (auto s : all_states())
    if (s != state::connected) {
      INFO(to_string(s));
      CHECK(transition_of(s, event::input_ended).action == action::none);
    }
  // Messages that are queued for the peer are still sent.
  CHECK(transition_of(state::draining, event::write).action == action::pass_on);
}

TEST_CASE("a lost connection begins anew from every state in which it had a pipe") {
  for (auto s : {state::connected, state::draining, state::closing}) {
    INFO(to_string(s));
    auto [what, next] = transition_of(s, event::reopen);
    CHECK(what == action::begin_anew);
    CHECK(next == state::opening);
  }
  CHECK(transition_of(state::closed, event::reopen).action == action::none);
}

TEST_CASE("every state, event and action has a name of its own") {
  std::set<std::string> names;
  for (auto s : all_states())
    names.insert(to_string(s));
  CHECK(names.size() == num_connection_states);
  names.clear();
  for (auto e : all_events())
    names.insert(to_string(e));
  CHECK(names.size() == num_connection_events);
  names.clear();
  constexpr auto last = static_cast<size_t>(action::begin_anew);
  for (size_t index = 0; index <= last; ++index)
    names.insert(to_string(static_cast<action>(index)));
  CHECK(names.size() == last + 1);
}
