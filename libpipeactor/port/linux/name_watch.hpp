#pragma once

#include "port/linux/pipe_name_claim.hpp"
#include "port/linux/unique_fd.hpp"

namespace pipeactor::port {

/// Tells if somebody removes or renames the files of a claim (inotify(7)): a cleaner of /tmp, say.
/// Bridge thread only.
class name_watch {
public:
  /// Watches the files of a claim, and that their directory stays where it is. If the system grants
  /// no watch, nothing is reported.
  void add(const pipe_name_claim& claim) noexcept;

  /// Returns the descriptor that is readable when something happened, or -1 before add().
  int fd() const noexcept {
    return fd_.get();
  }

  /// Takes note of what happened. It may be nothing that harms a claim: look.
  void drain() noexcept;

private:
  unique_fd fd_;
};

} // namespace pipeactor::port
