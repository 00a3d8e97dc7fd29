#pragma once

#include "pipeactor/caf.hpp"

namespace pipeactor::detail {

/// Lets the scheduler's threads sleep while there is nothing to do. Those of the default
/// policy, work stealing, look for work a hundred times a second.
inline void let_scheduler_sleep(caf::actor_system_config& cfg) {
  cfg.set("scheduler.policy", caf::atom("sharing"));
}

} // namespace pipeactor::detail
