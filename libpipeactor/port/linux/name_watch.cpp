#include "port/linux/name_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <string>

namespace pipeactor::port {

void name_watch::add(const pipe_name_claim& claim) noexcept {
  if (!fd_)
    fd_ = unique_fd{inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (!fd_)
    return;
  auto directory = claim.path().substr(0, claim.path().rfind('/') + 1);
  // Removing a file changes its number of links. The files and not what happens in their
  // directory: others come and go in /tmp.
  constexpr uint32_t gone = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;
  inotify_add_watch(fd_.get(), claim.path().c_str(), gone);
  inotify_add_watch(fd_.get(), claim.lock_path().c_str(), gone);
  inotify_add_watch(fd_.get(), directory.c_str(), IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR);
}

void name_watch::drain() noexcept {
  alignas(inotify_event) char buffer[4096];
  while (read(fd_.get(), buffer, sizeof(buffer)) > 0) {
  }
}

} // namespace pipeactor::port
