#include "pipeactor/options.hpp"

#include "base/errors.hpp"

#include <spdlog/fmt/fmt.h>

#include <iterator>
#include <type_traits>
#include <utility>

namespace pipeactor {

namespace {

// More threads than this are a slip of the pen, not a plan.
constexpr size_t most_threads = 1024;
constexpr size_t most_pending_instances = 65535;
// One message must fit a read buffer; Linux refuses longer ones on a socket anyway.
constexpr size_t longest_message = size_t{1} << 30;
// The most that detail::read_account can count.
constexpr size_t most_queued_bytes = size_t{1} << 43;
constexpr size_t most_queued_messages = size_t{1} << 19;

/// A number among the options, and its range.
template <class Options>
struct range {
  const char* name;
  size_t Options::*value;
  size_t least;
  size_t most;
};

#define PIPEACTOR_RANGE(options, name, least, most)                                                \
  { #name, &options::name, least, most }

constexpr range<connection_options> connection_ranges[] = {
  PIPEACTOR_RANGE(connection_options, message_buffer_size, 1, longest_message),
  PIPEACTOR_RANGE(connection_options, max_message_size, 0, longest_message),
  PIPEACTOR_RANGE(connection_options, read_queue_bytes, 1, most_queued_bytes),
  PIPEACTOR_RANGE(connection_options, read_queue_messages, 1, most_queued_messages),
  PIPEACTOR_RANGE(connection_options, write_queue_bytes, 1, most_queued_bytes),
  PIPEACTOR_RANGE(connection_options, write_queue_messages, 1, most_queued_messages),
};

constexpr range<server_options> server_ranges[] = {
  PIPEACTOR_RANGE(server_options, num_threads, 0, most_threads),
  PIPEACTOR_RANGE(server_options, pending_instances, 1, most_pending_instances),
  PIPEACTOR_RANGE(server_options, connections_per_user, 0, SIZE_MAX),
};

constexpr range<client_options> client_ranges[] = {
  PIPEACTOR_RANGE(client_options, num_threads, 0, most_threads),
};

constexpr range<context_options> context_ranges[] = {
  PIPEACTOR_RANGE(context_options, num_threads, 1, most_threads),
  PIPEACTOR_RANGE(context_options, memory_limit, 1, most_queued_bytes),
};

#undef PIPEACTOR_RANGE

/// Stands for a value of any type.
struct anything {
  template <class T>
  operator T() const;
};

/// Whether `Options` has members after those of the types `Members`.
template <class Options, class List, class = void>
struct has_more : std::false_type {};

template <class Options, class... Members>
struct has_more<Options, void(Members...),
                std::void_t<decltype(Options{std::declval<Members>()..., anything{}})>>
    : std::true_type {};

/// Returns whether `Members` are the types of all members of `Options`, and each number among them
/// has a range. Does not compile if they are others.
template <class Options, class... Members>
constexpr bool has_ranges(size_t ranges) {
  static_assert(std::is_same_v<decltype(Options{std::declval<Members>()...}), Options>);
  constexpr auto numbers = (size_t{std::is_arithmetic_v<Members> && !std::is_same_v<Members, bool>}
                            + ...);
  return numbers == ranges && !has_more<Options, void(Members...)>::value;
}

// A new option does not compile until its type is named here, and a number also has a range above.
static_assert(has_ranges<connection_options, pipe_mode, bool, size_t, size_t, size_t, size_t,
                         size_t, size_t, write_queue_policy>(std::size(connection_ranges)));
static_assert(has_ranges<server_options, connection_options, std::string, size_t, size_t, size_t,
                         pipe_access>(std::size(server_ranges)));
static_assert(has_ranges<client_options, connection_options, size_t,
                         std::optional<reconnect_options>, pipe_access>(std::size(client_ranges)));
static_assert(has_ranges<context_options, port_kind, size_t, std::chrono::microseconds, size_t,
                         port_factory, bool>(std::size(context_ranges)));

template <class Options, size_t Size>
caf::error check_ranges(const range<Options> (&ranges)[Size], const Options& options) {
  for (auto& [name, member, least, most] : ranges)
    if (auto value = options.*member; value < least || value > most)
      return errors::option_out_of_range(name, value, least, most);
  return caf::none;
}

caf::error check_reconnect(const reconnect_options& options) {
  auto initial = options.initial_delay.count();
  auto longest = options.max_delay.count();
  if (initial < 1 || longest < initial)
    return make_error(errc::invalid_option,
                      fmt::format("reconnect: initial_delay is {} ms and max_delay {} ms: use at "
                                  "least 1 ms, and no less for max_delay",
                                  initial, longest));
  if (!(options.jitter >= 0 && options.jitter <= 1))
    return make_error(errc::invalid_option,
                      fmt::format("reconnect: jitter is {}: use 0 to 1", options.jitter));
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
  if (auto err = check_ranges(server_ranges, options))
    return err;
  return check_ranges<connection_options>(connection_ranges, options);
}

caf::error check(const client_options& options) {
  if (options.reconnect)
    if (auto err = check_reconnect(*options.reconnect))
      return err;
  if (auto err = check_ranges(client_ranges, options))
    return err;
  return check_ranges<connection_options>(connection_ranges, options);
}

caf::error check(const context_options& options) {
  return check_ranges(context_ranges, options);
}

} // namespace pipeactor
