#include "port/linux/unix_error.hpp"

#include "base/errors.hpp"

#include <cerrno>

namespace pipeactor::port {

namespace {

struct translation {
  int error_number;
  errc code;
  /// If it says more than the code's general text.
  const char* advice = "";
};

constexpr translation translations[] = {
  {EACCES, errc::access_denied,
   "the user needs write access to it and search access to the directories above"},
  {EPERM, errc::access_denied, "the system's security rules forbid it to this user"},
  {EADDRINUSE, errc::pipe_in_use},
  {ENOENT, errc::no_such_pipe},
  {ECONNREFUSED, errc::no_such_pipe, "no server listens there any more: start it again"},
  {EAGAIN, errc::pipe_busy},
  {EPROTOTYPE, errc::not_a_pipe, "its server uses the other mode (message or byte): use the same"},
  {ENOTSOCK, errc::not_a_pipe, "it is not a socket: choose another pipe name"},
  {EMFILE, errc::out_of_resources, "raise the descriptor limit of the process (ulimit -n)"},
  {ENFILE, errc::out_of_resources, "raise the descriptor limit of the system (fs.file-max)"},
  {ENOMEM, errc::out_of_resources, "the system has no memory left for it"},
  {ENOBUFS, errc::out_of_resources, "the system has no buffer left for it: send less at once"},
  {EPIPE, errc::closed_by_peer},
  {ECONNRESET, errc::peer_reset},
  {EMSGSIZE, errc::message_too_large, "send shorter messages or raise net.core.wmem_max"},
  {ECANCELED, errc::operation_aborted},
  {ENAMETOOLONG, errc::pipe_name_too_long,
   "107 bytes fit a socket address: choose a shorter pipe name"},
};

} // namespace

caf::error unix_error(int error_number, const std::string& what) {
  for (const auto& entry : translations)
    if (entry.error_number == error_number)
      return errors::failed(entry.code, what, error_number, entry.advice);
  return make_error(errc::os_error, what, error_number);
}

} // namespace pipeactor::port
