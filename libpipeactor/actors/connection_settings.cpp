#include "actors/connection_settings.hpp"

#include <algorithm>
#include <atomic>

namespace pipeactor::detail {

void set_limits(connection_settings& setup, const port::completion_port& port) {
  auto& options = setup.options;
  if (options.mode == pipe_mode::byte) {
    setup.send_limit = 0;
    setup.receive_limit = options.message_buffer_size;
    return;
  }
  setup.send_limit = options.max_message_size != 0
                       ? options.max_message_size
                       : std::min(port.max_message_size(), defaults::max_message_size);
  setup.receive_limit = setup.send_limit;
}

uint64_t next_coordinator_id() noexcept {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

} // namespace pipeactor::detail
