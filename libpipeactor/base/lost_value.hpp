#pragma once

namespace pipeactor::detail {

/// Stands in for the value of a cookie that could not travel to another node.
struct lost_value {};

} // namespace pipeactor::detail
