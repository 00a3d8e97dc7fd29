#include "pipeactor/loop_end.hpp"

namespace pipeactor {

std::string to_string(loop_end end) {
  switch (end) {
  case loop_end::left:
    return "left";
  case loop_end::timed_out:
    return "timed_out";
  case loop_end::already_entered:
    return "already_entered";
  }
  return "unknown";
}

} // namespace pipeactor
