#include "port/windows/windows_error.hpp"

#include "pipeactor/error.hpp"

namespace pipeactor::port {

namespace {

struct translation {
  DWORD os_code;
  errc code;
  const char* advice;
};

constexpr translation translations[] = {
  {ERROR_ACCESS_DENIED, errc::access_denied, "run as a user whom the server admits"},
  {ERROR_FILE_NOT_FOUND, errc::no_such_pipe, "it does not exist: start the server first"},
  {ERROR_PATH_NOT_FOUND, errc::no_such_pipe, "it does not exist: start the server first"},
  {ERROR_PIPE_BUSY, errc::pipe_busy, "all instances of the server are taken: try again"},
  {ERROR_SEM_TIMEOUT, errc::pipe_busy, "all instances of the server are taken: try again"},
  {ERROR_INVALID_NAME, errc::invalid_pipe_name,
   "Windows does not accept this name: choose another"},
  {ERROR_BROKEN_PIPE, errc::closed_by_peer, "the peer closed the connection"},
  {ERROR_NO_DATA, errc::closed_by_peer, "the peer closed the connection"},
  {ERROR_PIPE_NOT_CONNECTED, errc::closed_by_peer, "the peer closed the connection"},
  {ERROR_OPERATION_ABORTED, errc::operation_aborted, "it was cancelled"},
  {ERROR_NOT_ENOUGH_MEMORY, errc::out_of_resources, "the system has no memory left for it"},
  {ERROR_OUTOFMEMORY, errc::out_of_resources, "the system has no memory left for it"},
  {ERROR_NO_SYSTEM_RESOURCES, errc::out_of_resources, "the system has no resources left for it"},
  {ERROR_NOT_ENOUGH_QUOTA, errc::out_of_resources, "the quota of this process is used up"},
  {ERROR_TOO_MANY_OPEN_FILES, errc::out_of_resources, "this process has too many handles"},
};

} // namespace

caf::error windows_error(DWORD code, const std::string& what) {
  for (const auto& entry : translations)
    if (entry.os_code == code)
      return make_error(entry.code, what + ": " + entry.advice, static_cast<int>(code));
  return make_error(errc::os_error, what, static_cast<int>(code));
}

} // namespace pipeactor::port
