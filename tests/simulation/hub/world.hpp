#pragma once

#include "plan.hpp"

#include <string>
#include <vector>

namespace simulation::hub {

/// What came of a run.
struct outcome {
  /// Everything that happened.
  std::vector<std::string> history;
  /// Empty: nothing is wrong.
  std::string failure;
};

/// Runs the hub's state machine with the clients of a plan, on this thread, by a virtual clock.
outcome run(const plan& p);

} // namespace simulation::hub
