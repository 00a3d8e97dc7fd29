#include "port/linux/unix_error.hpp"

#include "pipeactor/error.hpp"

#include <cerrno>

namespace pipeactor::port {

namespace {

struct translation {
  int error_number;
  errc code;
  const char* advice;
};

constexpr translation translations[] = {
  {EACCES, errc::access_denied,
   "the user needs write access to it and search access to the directories above"},
  {EPERM, errc::access_denied, "the system's security rules forbid it to this user"},
  {EADDRINUSE, errc::pipe_in_use, "another server has the name: stop it or choose another name"},
  {ENOENT, errc::no_such_pipe, "it does not exist: start the server first"},
  {ECONNREFUSED, errc::no_such_pipe, "no server listens there any more: start it again"},
  {EAGAIN, errc::pipe_busy, "too many clients wait for the server: try again"},
  {EPROTOTYPE, errc::not_a_pipe, "it is a pipe of the other mode (message/byte)"},
  {ENOTSOCK, errc::not_a_pipe, "it is not a socket"},
  {EMFILE, errc::out_of_resources, "raise the descriptor limit of the process (ulimit -n)"},
  {ENFILE, errc::out_of_resources, "raise the descriptor limit of the system (fs.file-max)"},
  {ENOMEM, errc::out_of_resources, "the system has no memory left for it"},
  {ENOBUFS, errc::out_of_resources, "the system has no buffer left for it: send less at once"},
  {EPIPE, errc::closed_by_peer, "the peer does not read any more"},
  {ECONNRESET, errc::peer_reset, "the peer closed without reading all that was sent to it"},
  {EMSGSIZE, errc::message_too_large, "send shorter messages or raise net.core.wmem_max"},
  {ECANCELED, errc::operation_aborted, "it was cancelled"},
  {ENAMETOOLONG, errc::pipe_name_too_long, "107 bytes fit a socket address"},
};

} // namespace

caf::error unix_error(int error_number, const std::string& what) {
  for (const auto& entry : translations)
    if (entry.error_number == error_number)
      return make_error(entry.code, what + ": " + entry.advice, error_number);
  return make_error(errc::os_error, what, error_number);
}

} // namespace pipeactor::port
