#include "port/completion_port.hpp"

#include "pipeactor/error.hpp"
#include "base/log.hpp"
#include "port/linux/epoll_port.hpp"
#include "port/linux/io_uring_port.hpp"

#include <mutex>

namespace pipeactor::port {

caf::expected<std::unique_ptr<completion_port>>
make_completion_port(port_kind kind, std::chrono::microseconds spin) {
  switch (kind) {
  case port_kind::io_uring:
    return io_uring_port::make(spin);
  case port_kind::epoll:
    return epoll_port::make(spin);
  case port_kind::iocp:
    return make_error(errc::not_supported, "the port iocp is for Windows");
  case port_kind::simulated:
    return make_error(
      errc::invalid_option,
      "a simulated port belongs to a simulated_network: set context_options::make_port");
  case port_kind::automatic:
    break;
  }
  auto io_uring = io_uring_port::make(spin);
  if (io_uring)
    return io_uring;
  // Containers forbid io_uring, and old kernels lack parts of it: epoll does the same job.
  static std::once_flag logged;
  std::call_once(logged, [&] {
    detail::log_warning("io_uring is not available, using epoll: " + describe(io_uring.error()));
  });
  return epoll_port::make(spin);
}

} // namespace pipeactor::port
