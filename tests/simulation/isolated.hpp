#pragma once

#include "world.hpp"

#include <vector>

namespace simulation {

/// A plan to run.
struct task {
  plan what;
  /// Run it twice, and compare both histories.
  bool twice = false;
};

/// Runs plans in a process of their own if the system can fork: a crash, or a run that never ends,
/// is a failure like any other. The marks that they pass are added to those of this process.
/// @returns the outcomes, one for each plan: fewer if one of them ended the process, which is then
///   the last
std::vector<outcome> run_isolated(const std::vector<task>& tasks);

} // namespace simulation
