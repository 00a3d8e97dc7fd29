#pragma once

// System calls that fail on request.

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <vector>

namespace unix_helpers {

/// Makes system calls of this thread fail with `error_number` from now on (seccomp(2)). There is
/// no way back: for child processes only.
inline void fail_syscalls(std::initializer_list<long> numbers, int error_number) {
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (auto number : numbers) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1));
    program.push_back(
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error_number)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
      || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    throw std::runtime_error{"cannot make system calls fail"};
}

/// Makes all calls fail that a port waits with.
inline void fail_waiting(int error_number) {
  fail_syscalls({__NR_io_uring_enter,
#ifdef __NR_epoll_wait
                 __NR_epoll_wait,
#endif
                 __NR_epoll_pwait, __NR_epoll_pwait2},
                error_number);
}

} // namespace unix_helpers
