#include "state/state.hpp"

namespace pipehub {

std::chrono::milliseconds unix_time(time_point at) {
  using namespace std::chrono;
  auto now = system_clock::now().time_since_epoch() + (at - clock::now());
  return duration_cast<milliseconds>(now);
}

} // namespace pipehub
