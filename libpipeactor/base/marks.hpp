#pragma once

// Coverage marks: named places in the library that a simulation has to pass (tests/simulation). A
// mark stands where something happens seldom, never on the path of every message, and costs one
// addition to a counter. So the library that is tested is the one that is shipped: with marks that
// only a test build has, there would be two.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

/// All marks: X(name).
#define PIPEACTOR_MARKS(X)                                                                         \
  /* -- faults of the simulated network */                                                         \
  X(fault_late_completion)                                                                         \
  X(fault_short_write)                                                                             \
  X(fault_slow_close)                                                                              \
  X(fault_cut)                                                                                     \
  X(fault_failed_send)                                                                             \
  X(fault_failed_receive)                                                                          \
  X(fault_exhausted_accept)                                                                        \
  X(fault_aborted_accept)                                                                          \
  X(fault_dead_listener)                                                                           \
  X(fault_failed_listen)                                                                           \
  X(fault_busy_name)                                                                               \
  X(fault_failed_connect)                                                                          \
  /* -- ports */                                                                                   \
  X(cancel_lost)                                                                                   \
  X(accept_gate_full)                                                                              \
  X(accept_rests)                                                                                  \
  X(write_met_reset)                                                                               \
  X(pipe_full)                                                                                     \
  /* -- reading */                                                                                 \
  X(reading_paused)                                                                                \
  X(reading_resumed)                                                                               \
  X(memory_awaited)                                                                                \
  X(memory_came_back)                                                                              \
  /* -- writing */                                                                                 \
  X(oldest_write_dropped)                                                                          \
  X(memory_refused_write)                                                                          \
  X(write_admitted_over_limit)                                                                     \
  X(refused_write_tried_again)                                                                     \
  /* -- connections */                                                                             \
  X(busy_server_asked_again)                                                                       \
  X(busy_server_given_up)                                                                          \
  X(reconnect_planned)                                                                             \
  X(reconnect_given_up)                                                                            \
  X(session_threw)                                                                                 \
  /* -- servers */                                                                                 \
  X(publish_asked_again)                                                                           \
  X(listener_replaced)                                                                             \
  X(server_gave_up)                                                                                \
  X(client_opened_during_stop)

namespace pipeactor::detail {

#define PIPEACTOR_DECLARE_MARK(name) name,
enum class mark : uint8_t { PIPEACTOR_MARKS(PIPEACTOR_DECLARE_MARK) };
#undef PIPEACTOR_DECLARE_MARK

#define PIPEACTOR_COUNT_MARK(name) +1
constexpr size_t num_marks = 0 PIPEACTOR_MARKS(PIPEACTOR_COUNT_MARK);
#undef PIPEACTOR_COUNT_MARK

/// How often each mark was passed in this process.
inline std::array<std::atomic<uint64_t>, num_marks> passed_marks{};

/// Passes a mark. Any thread.
inline void pass(mark which) noexcept {
  passed_marks[static_cast<size_t>(which)].fetch_add(1, std::memory_order_relaxed);
}

/// Returns the name, e.g. "cancel_lost".
const char* to_string(mark which) noexcept;

} // namespace pipeactor::detail
