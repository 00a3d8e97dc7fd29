#include "base/marks.hpp"

namespace pipeactor::detail {

namespace {

#define PIPEACTOR_MARK_NAME(name) #name,
constexpr std::array<const char*, num_marks> names{PIPEACTOR_MARKS(PIPEACTOR_MARK_NAME)};
#undef PIPEACTOR_MARK_NAME

} // namespace

const char* to_string(mark which) noexcept {
  return names[static_cast<size_t>(which)];
}

} // namespace pipeactor::detail
