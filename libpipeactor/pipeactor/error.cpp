#include "pipeactor/error.hpp"

#include <system_error>

namespace pipeactor {

namespace {

struct entry {
  const char* name;
  const char* text;
};

constexpr entry entries[] = {
  {"none", "no error"},
  {"closed_by_us", "the connection was closed on this side"},
  {"closed_by_peer", "the peer closed the connection"},
  {"peer_reset", "the peer closed the connection without reading what was sent to it"},
  {"message_too_large", "a message is longer than max_message_size"},
  {"queue_full", "the peer does not read and write_queue_limit is reached"},
  {"access_denied", "access to the pipe is denied"},
  {"handler_failed", "a handler of the session threw an exception or reported an error"},
  {"operation_aborted", "the connection was closed before the operation ended"},
  {"not_connected", "the connection is closed"},
  {"not_local", "the connection belongs to another node: ask it by message"},
  {"timed_out", "the operation did not end in time"},
  {"missing_pipe_name", "cannot start without specifying a pipe name"},
  {"invalid_pipe_name", "the pipe name is not allowed"},
  {"pipe_name_too_long", "the pipe name is too long for the operating system"},
  {"pipe_in_use", "another server holds this pipe name"},
  {"no_such_pipe", "no server listens on this pipe name"},
  {"pipe_busy", "the server has no free instance: try again"},
  {"not_a_pipe", "the path exists but is not a pipe of the requested mode"},
  {"unsafe_directory", "the pipe directory is not safe to use"},
  {"invalid_option", "an option is out of range"},
  {"not_supported", "this platform does not support the operation"},
  {"out_of_resources", "the operating system has no resources left for this"},
  {"shutting_down", "the context is shutting down"},
  {"os_error", "the operating system reported an error"},
  {"cookie_not_portable", "a cookie from another node must be bytes: cookie::of(payload)"},
};

constexpr auto last_code = errc::cookie_not_portable;

static_assert(sizeof(entries) / sizeof(entry) == static_cast<size_t>(last_code) + 1,
              "every code needs a name and a text");

const entry& entry_of(errc code) {
  auto index = static_cast<size_t>(code);
  return entries[index <= static_cast<size_t>(last_code) ? index : 0];
}

} // namespace

std::string to_string(errc code) {
  return entry_of(code).name;
}

caf::error make_error(errc code, std::string text, int os_code) {
  return detail::make_caf_error(code, std::move(text), static_cast<int32_t>(os_code));
}

caf::error make_error(errc code, std::string text) {
  return make_error(code, std::move(text), 0);
}

caf::error make_error(errc code) {
  return make_error(code, entry_of(code).text, 0);
}

errc code_of(const caf::error& err) {
  if (!err)
    return errc::none;
  return detail::is_category<errc>(err) ? static_cast<errc>(err.code()) : errc::os_error;
}

int os_code_of(const caf::error& err) {
  if (!err || !detail::is_category<errc>(err) || err.context().size() < 2)
    return 0;
  return err.context().get_as<int32_t>(1);
}

std::string describe(const caf::error& err) {
  if (!err)
    return entry_of(errc::none).text;
  if (!detail::is_category<errc>(err))
    return to_string(err);
  auto result = to_string(code_of(err));
  if (err.context().size() > 0)
    result += ": " + err.context().get_as<std::string>(0);
  if (auto os = os_code_of(err); os != 0)
    result += " (" + std::system_category().message(os) + ", code " + std::to_string(os) + ")";
  return result;
}

} // namespace pipeactor
