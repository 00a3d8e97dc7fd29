#include "pipeactor/system_config.hpp"

#include "pipeactor/error.hpp"
#include "pipeactor/messages.hpp"

#include <spdlog/fmt/fmt.h>

#include <caf/sec.hpp>

#include <chrono>
#include <optional>

namespace pipeactor {

namespace {

constexpr char group[] = "pipeactor";

std::string full_name(const char* option) {
  return std::string{group} + '.' + option;
}

caf::error wrong(const char* option, const std::string& why) {
  return caf::make_error(caf::sec::invalid_argument,
                         fmt::format("the configuration's {}: {}", full_name(option), why));
}

/// Takes an option of the configuration over, if it is set there and `member` has its default.
/// @param convert returns the member's value, or nothing for a wrong one
/// @param allowed the values that `convert` takes
template <class Configured, class T, class F>
caf::error take_over(const caf::actor_system_config& config, const char* option,
                     context_options& options, T context_options::*member, const char* allowed,
                     F convert) {
  auto name = full_name(option);
  if (caf::get_if(&config.content, name) == nullptr)
    return caf::none;
  auto configured = caf::get_if<Configured>(&config, name);
  auto value = configured ? convert(*configured) : std::optional<T>{};
  if (!value)
    return wrong(option, fmt::format("use {}", allowed));
  context_options alone;
  auto by_default = std::exchange(alone.*member, *value);
  if (auto err = check(alone))
    return wrong(option, describe(err));
  if (options.*member == by_default)
    options.*member = *value;
  return caf::none;
}

std::optional<port_kind> port_named(const std::string& name) {
  for (auto kind : {port_kind::automatic, port_kind::io_uring, port_kind::epoll, port_kind::iocp})
    if (name == to_string(kind))
      return kind;
  return std::nullopt;
}

std::optional<size_t> not_negative(int64_t value) {
  return value < 0 ? std::nullopt : std::optional{static_cast<size_t>(value)};
}

std::optional<std::chrono::microseconds> pause(caf::timespan value) {
  if (value.count() < 0)
    return std::nullopt;
  return std::chrono::duration_cast<std::chrono::microseconds>(value);
}

} // namespace

system_config::system_config() {
  pipeactor::add_message_types(*this);
  opt_group{custom_options_, group}
    .add<std::string>("port", "port of all bridges: auto, io_uring, epoll or iocp")
    .add<size_t>("threads", "bridges of each server and client manager that sets none itself")
    .add<caf::timespan>("spin", "how long a bridge polls before it sleeps")
    .add<size_t>("memory-limit", "bytes that the queues of all connections may hold together");
}

caf::expected<context_options> with_configuration(context_options options,
                                                  const caf::actor_system_config& config) {
  constexpr auto ports = "auto, io_uring, epoll or iocp";
  constexpr auto number = "a number";
  constexpr auto times = "a time with its unit, e.g. 50us";
  using all = context_options;
  if (auto err = take_over<std::string>(config, "port", options, &all::port, ports, port_named))
    return err;
  if (auto err = take_over<int64_t>(config, "threads", options, &all::num_threads, number,
                                    not_negative))
    return err;
  if (auto err = take_over<caf::timespan>(config, "spin", options, &all::spin, times, pause))
    return err;
  if (auto err = take_over<int64_t>(config, "memory-limit", options, &all::memory_limit, number,
                                    not_negative))
    return err;
  return options;
}

} // namespace pipeactor
