#include "actors/connection_life.hpp"

namespace pipeactor::detail {

namespace {

constexpr const char* state_names[] = {"opening", "connected", "draining", "closing", "closed"};
constexpr const char* event_names[]
  = {"opened", "retry_due",         "received", "input_ended", "write",
     "read",   "close_after_drain", "close",    "pipe_closed", "reopen"};
constexpr const char* action_names[] = {"none",       "begin",  "dial",
                                        "deliver",    "drain",  "queue",
                                        "pass_on",    "refuse", "close_when_drained",
                                        "close_pipe", "finish", "begin_anew"};

static_assert(std::size(state_names) == num_connection_states);
static_assert(std::size(event_names) == num_connection_events);
static_assert(std::size(action_names) == static_cast<size_t>(connection_action::begin_anew) + 1);

} // namespace

const char* to_string(connection_state state) noexcept {
  return state_names[static_cast<size_t>(state)];
}

const char* to_string(connection_event event) noexcept {
  return event_names[static_cast<size_t>(event)];
}

const char* to_string(connection_action action) noexcept {
  return action_names[static_cast<size_t>(action)];
}

} // namespace pipeactor::detail
