#include "port/windows/windows_error.hpp"

#include "base/errors.hpp"

namespace pipeactor::port {

namespace {

struct translation {
  DWORD os_code;
  errc code;
  /// If it says more than the code's general text.
  const char* advice = "";
};

constexpr translation translations[] = {
  {ERROR_ACCESS_DENIED, errc::access_denied, "run as a user whom the server admits"},
  {ERROR_FILE_NOT_FOUND, errc::no_such_pipe},
  {ERROR_PATH_NOT_FOUND, errc::no_such_pipe},
  {ERROR_PIPE_BUSY, errc::pipe_busy},
  {ERROR_SEM_TIMEOUT, errc::pipe_busy},
  {ERROR_INVALID_NAME, errc::invalid_pipe_name},
  {ERROR_BROKEN_PIPE, errc::closed_by_peer},
  {ERROR_NO_DATA, errc::closed_by_peer},
  {ERROR_PIPE_NOT_CONNECTED, errc::closed_by_peer},
  {ERROR_OPERATION_ABORTED, errc::operation_aborted},
  {ERROR_NOT_ENOUGH_MEMORY, errc::out_of_resources, "the system has no memory left for it"},
  {ERROR_OUTOFMEMORY, errc::out_of_resources, "the system has no memory left for it"},
  {ERROR_NO_SYSTEM_RESOURCES, errc::out_of_resources},
  {ERROR_NOT_ENOUGH_QUOTA, errc::out_of_resources, "the quota of this process is used up"},
  {ERROR_TOO_MANY_OPEN_FILES, errc::out_of_resources, "this process has too many handles"},
};

} // namespace

caf::error windows_error(DWORD code, const std::string& what) {
  for (const auto& entry : translations)
    if (entry.os_code == code)
      return errors::failed(entry.code, what, static_cast<int>(code), entry.advice);
  return make_error(errc::os_error, what, static_cast<int>(code));
}

bool is_end_of_pipe(DWORD code) noexcept {
  return code == ERROR_BROKEN_PIPE || code == ERROR_PIPE_NOT_CONNECTED || code == ERROR_NO_DATA;
}

} // namespace pipeactor::port
