#include "port/completion_port.hpp"

#include <cassert>

namespace pipeactor::port {

void completion_port::reopen(pipe_record& pipe) noexcept {
  assert(pipe.state() == pipe_state::closed && pipe.slot == pipe_record::no_slot);
  pipe.state(pipe_state::opening);
}

void completion_port::abort_opening(pipe_record& pipe) noexcept {
  assert(pipe.state() == pipe_state::opening && pipe.slot == pipe_record::no_slot);
  pipe.state(pipe_state::closed);
}

void completion_port::set_connected(pipe_record& pipe, native_handle_type handle,
                                    peer_identity peer) {
  assert(pipe.state() == pipe_state::opening);
  pipe.native_handle(handle);
  pipe.peer(std::move(peer));
  pipe.state(pipe_state::connected);
}

void completion_port::set_closing(pipe_record& pipe) noexcept {
  pipe.state(pipe_state::closing);
}

void completion_port::clear_handle(pipe_record& pipe) noexcept {
  pipe.native_handle(invalid_native_handle);
}

void completion_port::set_closed(pipe_record& pipe) noexcept {
  assert(pipe.native_handle() == invalid_native_handle && pipe.slot == pipe_record::no_slot);
  pipe.state(pipe_state::closed);
}

} // namespace pipeactor::port
