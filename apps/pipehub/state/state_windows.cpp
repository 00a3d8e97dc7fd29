#include "state/state.hpp"

namespace pipehub {

opened_state open_state(const std::string&, unix_clock) {
  return {nullptr, {}, "--state is not available on Windows: run the hub without it"};
}

} // namespace pipehub
