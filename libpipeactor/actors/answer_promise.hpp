#pragma once

#include "pipeactor/caf.hpp"

#include <memory>

namespace pipeactor::detail {

/// The promise of an answer, empty if nobody waits for one. An empty response_promise of CAF costs
/// as much to move as a full one, and writes of sessions have none.
using answer_promise = std::unique_ptr<caf::response_promise>;

} // namespace pipeactor::detail
