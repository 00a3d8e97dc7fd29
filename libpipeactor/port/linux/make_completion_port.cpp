#include "port/completion_port.hpp"

#include "base/errors.hpp"
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
    return errors::port_not_here(to_string(kind), "Windows");
  case port_kind::simulated:
    return errors::simulated_port_without_network();
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
