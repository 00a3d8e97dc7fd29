#pragma once

#include "pipeactor/caf.hpp"

namespace pipeactor::detail {

/// Lets the scheduler's threads sleep while there is nothing to do. With the default policy, work
/// stealing, they look for work a hundred times a second.
inline void let_scheduler_sleep(caf::actor_system_config& cfg) {
  cfg.set("scheduler.policy", caf::atom("sharing"));
}

} // namespace pipeactor::detail
