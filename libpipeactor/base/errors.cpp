#include "base/errors.hpp"

#include "base/exception_text.hpp"
#include "base/log.hpp"

#include <spdlog/fmt/fmt.h>

namespace pipeactor::errors {

caf::error failed(errc code, std::string_view what, int os_code, std::string_view advice) {
  return make_error(code, fmt::format("{}: {}", what, advice.empty() ? describe(code) : advice),
                    os_code);
}

caf::error request_threw(std::string_view who, std::exception_ptr thrown) {
  auto text = fmt::format("{} could not do what was asked: {}", who,
                          detail::text_of(std::move(thrown)));
  detail::log_warning(text);
  return make_error(errc::out_of_resources, std::move(text));
}

caf::error must_not_wait_here() {
  return make_error(errc::would_block,
                    "this function waits for an answer, and a handler on a bridge must not wait: "
                    "send the message of the same name to the actor instead");
}

caf::error empty_handle() {
  return make_error(errc::not_connected,
                    "this handle is empty: make a server, client manager or connection first");
}

caf::error received_too_large(size_t size, size_t limit) {
  return make_error(errc::message_too_large,
                    fmt::format("the peer sent a message of {} bytes, max_message_size is {}: "
                                "raise it here, or let the peer send less",
                                size, limit));
}

caf::error write_too_large(size_t size, size_t limit) {
  return make_error(errc::message_too_large,
                    fmt::format("the message has {} bytes, the limit is {}: send less, raise "
                                "max_message_size, or use byte mode",
                                size, limit));
}

caf::error memory_limit_reached(size_t size, size_t limit) {
  return make_error(errc::queue_full,
                    fmt::format("a write of {} bytes would exceed memory_limit ({}), which all "
                                "queues of the context share: write less, wait until others have "
                                "sent, or raise it",
                                size, limit));
}

caf::error no_memory_for_message(size_t size) {
  return make_error(errc::out_of_resources,
                    fmt::format("there is no memory for a message of {} bytes", size));
}

caf::error closed_by_peer(bool left_unread) {
  return make_error(left_unread ? errc::peer_reset : errc::closed_by_peer);
}

caf::error option_out_of_range(std::string_view name, size_t value, size_t least, size_t most) {
  return make_error(errc::invalid_option,
                    fmt::format("{} is {}: use {} to {}", name, value, least, most));
}

caf::error message_size_not_granted(size_t size, size_t granted, std::string_view advice) {
  return make_error(errc::invalid_option,
                    fmt::format("max_message_size is {}, this system sends at most {}: {}", size,
                                granted, advice));
}

caf::error no_such_principal(std::string_view kind, std::string_view name,
                             std::string_view advice) {
  return make_error(errc::invalid_option,
                    fmt::format("there is no {} named '{}': {}", kind, name, advice));
}

caf::error port_not_here(std::string_view port, std::string_view home) {
  return make_error(errc::not_supported,
                    fmt::format("the port {} is for {}: use port auto", port, home));
}

caf::error simulated_port_without_network() {
  return make_error(errc::invalid_option, "a simulated port belongs to a simulated_network: set "
                                          "context_options::make_port");
}

caf::error invalid_pipe_name(std::string_view flaw) {
  return make_error(errc::invalid_pipe_name,
                    fmt::format("the pipe name {}: choose another one", flaw));
}

caf::error pipe_name_too_long(std::string_view path, size_t limit) {
  return make_error(errc::pipe_name_too_long,
                    fmt::format("the path {} has {} bytes, at most {} are possible: choose a "
                                "shorter pipe name",
                                path, path.size(), limit));
}

caf::error other_pipe_mode(std::string_view address) {
  return failed(errc::not_a_pipe, fmt::format("cannot connect to {}", address), 0,
                "its server uses the other mode (message or byte): use the same");
}

caf::error unsafe_file(std::string_view path, std::string_view why) {
  return make_error(errc::unsafe_directory, fmt::format("{} {}", path, why));
}

caf::error client_not_admitted(std::string_view client) {
  return make_error(errc::access_denied,
                    fmt::format("a client that server_options::access does not admit was refused: "
                                "{}",
                                client));
}

caf::error too_many_connections(std::string_view client) {
  return make_error(errc::too_many_connections,
                    fmt::format("a client was refused, because its user has as many connections as "
                                "server_options::connections_per_user allows: {}",
                                client));
}

caf::error server_not_trusted(std::string_view pipe_name, std::string_view server) {
  return make_error(errc::access_denied,
                    fmt::format("the server of {} is not trusted: {}: allow it with "
                                "client_options::trusted_servers (pipecat: --trust)",
                                pipe_name, server));
}

} // namespace pipeactor::errors
