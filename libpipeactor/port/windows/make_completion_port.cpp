#include "port/completion_port.hpp"

#include "base/errors.hpp"
#include "port/windows/iocp_port.hpp"

namespace pipeactor::port {

caf::expected<std::unique_ptr<completion_port>>
make_completion_port(port_kind kind, std::chrono::microseconds spin) {
  switch (kind) {
  case port_kind::io_uring:
  case port_kind::epoll:
    return errors::port_not_here(to_string(kind), "Linux");
  case port_kind::simulated:
    return errors::simulated_port_without_network();
  case port_kind::automatic:
  case port_kind::iocp:
    break;
  }
  return iocp_port::make(spin);
}

} // namespace pipeactor::port
