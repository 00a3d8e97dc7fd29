#pragma once

// A forked child has copies of all descriptors, and as long as it lives they keep sockets, locks
// and rings alive: clients of a dead or stopped server would wait for ever. FD_CLOEXEC helps only
// if the child calls exec. So children close theirs (pthread_atfork(3)).

namespace pipeactor::port {

/// Lets forked children close `fd`. Any thread.
void close_in_children(int fd) noexcept;

/// `fd` is about to be closed, or given to somebody else. Any thread.
void keep_in_children(int fd) noexcept;

} // namespace pipeactor::port
