#pragma once

#include "world.hpp"

namespace simulation {

/// Runs a plan in a process of its own if the system can fork: a crash, or a run that never ends,
/// is a failure like any other, and every run finds the process as it was. The marks that it passes
/// are added to those of this process.
outcome run_isolated(const plan& p);

} // namespace simulation
