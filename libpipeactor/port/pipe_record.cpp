#include "port/pipe_record.hpp"

#include <cassert>

namespace pipeactor::port {

pipe_record::pipe_record(uint64_t id, const pipe_settings& settings)
    : id_(id), settings_(settings) {}

pipe_record::~pipe_record() {
  // The port holds a reference until the handle is closed: a handle never leaks.
  assert(native_handle() == invalid_native_handle);
  assert(slot == no_slot);
}

bool pipe_record::is_connected() const noexcept {
  // The answer counts only if the handle was not closed, and given to another file, in between.
  return state() == pipe_state::connected && !has_left_unseen(native_handle())
         && state() == pipe_state::connected;
}

} // namespace pipeactor::port
