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

} // namespace pipeactor::port
