#include "pipeactor/options.hpp"

#include "pipeactor/error.hpp"

namespace pipeactor {

namespace {

// More threads than this are a slip of the pen, not a plan.
constexpr size_t most_threads = 1024;
constexpr size_t most_pending_instances = 65535;
// One message must fit a read buffer; Linux refuses longer ones on a socket anyway.
constexpr size_t longest_message = size_t{1} << 30;
// What detail::read_account can count.
constexpr size_t most_queued_bytes = size_t{1} << 43;
constexpr size_t most_queued_messages = size_t{1} << 19;

caf::error check_range(const char* name, size_t value, size_t least, size_t most) {
  if (value >= least && value <= most)
    return caf::none;
  return make_error(errc::invalid_option, std::string{name} + " is " + std::to_string(value)
                                            + ": use " + std::to_string(least) + " to "
                                            + std::to_string(most));
}

caf::error check_connection(const connection_options& options, size_t num_threads) {
  for (auto&& err :
       {check_range("num_threads", num_threads, 1, most_threads),
        check_range("message_buffer_size", options.message_buffer_size, 1, longest_message),
        check_range("max_message_size", options.max_message_size, 0, longest_message),
        check_range("read_queue_bytes", options.read_queue_bytes, 1, most_queued_bytes),
        check_range("read_queue_messages", options.read_queue_messages, 1, most_queued_messages),
        check_range("write_queue_bytes", options.write_queue_bytes, 1, most_queued_bytes),
        check_range("write_queue_messages", options.write_queue_messages, 1, most_queued_messages)})
    if (err)
      return err;
  return caf::none;
}

caf::error check_reconnect(const reconnect_options& options) {
  auto initial = options.initial_delay.count();
  auto longest = options.max_delay.count();
  if (initial < 1 || longest < initial)
    return make_error(errc::invalid_option,
                      "reconnect: initial_delay is " + std::to_string(initial)
                        + " ms and max_delay " + std::to_string(longest)
                        + " ms: use at least 1 ms, and no less for max_delay");
  if (!(options.jitter >= 0 && options.jitter <= 1))
    return make_error(errc::invalid_option,
                      "reconnect: jitter is " + std::to_string(options.jitter) + ": use 0 to 1");
  return caf::none;
}

} // namespace

std::string to_string(pipe_mode mode) {
  return mode == pipe_mode::message ? "message" : "byte";
}

std::string to_string(port_kind kind) {
  switch (kind) {
  case port_kind::automatic:
    return "auto";
  case port_kind::io_uring:
    return "io_uring";
  case port_kind::epoll:
    return "epoll";
  case port_kind::iocp:
    return "iocp";
  case port_kind::simulated:
    return "simulated";
  }
  return "unknown";
}

caf::error check(const server_options& options) {
  if (options.pipe_name.empty())
    return make_error(errc::missing_pipe_name);
  if (auto err = check_range("pending_instances", options.pending_instances, 1,
                             most_pending_instances))
    return err;
  return check_connection(options, options.num_threads);
}

caf::error check(const client_options& options) {
  if (options.reconnect)
    if (auto err = check_reconnect(*options.reconnect))
      return err;
  return check_connection(options, options.num_threads);
}

caf::error check(const context_options& options) {
  return check_range("memory_limit", options.memory_limit, 1, most_queued_bytes);
}

} // namespace pipeactor
