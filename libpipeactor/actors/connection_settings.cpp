#include "actors/connection_settings.hpp"

#include "base/errors.hpp"

#include <algorithm>
#include <atomic>

namespace pipeactor::detail {

void set_limits(connection_settings& settings, const port::completion_port& port) {
  auto& options = settings.options;
  if (options.mode == pipe_mode::byte) {
    settings.send_limit = 0;
    settings.receive_limit = options.message_buffer_size;
    return;
  }
  settings.send_limit = options.max_message_size != 0
                          ? options.max_message_size
                          : std::min(port.max_message_size(), defaults::max_message_size);
  settings.receive_limit = settings.send_limit;
}

caf::error check_access(const connection_settings& settings, const port::completion_port& port,
                        const peer_identity& client) {
  if (port.guards_access() || settings.access.admits(client))
    return caf::none;
  return errors::client_not_admitted(to_string(client));
}

uint64_t next_coordinator_id() noexcept {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

} // namespace pipeactor::detail
