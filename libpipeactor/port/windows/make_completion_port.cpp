#include "port/completion_port.hpp"

#include "pipeactor/error.hpp"
#include "port/windows/iocp_port.hpp"

namespace pipeactor::port {

caf::expected<std::unique_ptr<completion_port>>
make_completion_port(port_kind kind, std::chrono::microseconds spin) {
  switch (kind) {
  case port_kind::io_uring:
  case port_kind::epoll:
    return make_error(errc::not_supported,
                      "the port " + to_string(kind) + " is for Linux: take iocp");
  case port_kind::simulated:
    return make_error(
      errc::invalid_option,
      "a simulated port belongs to a simulated_network: set context_options::make_port");
  case port_kind::automatic:
  case port_kind::iocp:
    break;
  }
  return iocp_port::make(spin);
}

} // namespace pipeactor::port
