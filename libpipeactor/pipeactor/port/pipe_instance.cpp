#include "pipeactor/port/pipe_instance.hpp"

#include <cassert>

namespace pipeactor::port {

pipe_instance::pipe_instance(uint64_t id, const pipe_settings& settings)
    : id_(id), settings_(settings) {
  if (settings_.account != nullptr)
    settings_.account->retain();
}

pipe_instance::~pipe_instance() {
  // The port holds a reference until the handle is closed: a handle never leaks.
  assert(native_handle() == invalid_native_handle);
  assert(slot == no_slot);
  if (settings_.account != nullptr)
    settings_.account->release();
}

} // namespace pipeactor::port
