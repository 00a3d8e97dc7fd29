#pragma once

// What all peers share: the command line, the listening socket, and the line that says that
// clients may connect. Each peer is a small, honest server in its library's own style.

#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace peer {

struct arguments {
  std::string path;
  std::vector<std::string> flags;

  bool has(const char* flag) const {
    return std::find(flags.begin(), flags.end(), flag) != flags.end();
  }

  /// Returns N of the flag `key=N`, or `otherwise` if there is no such flag.
  size_t number(const std::string& key, size_t otherwise) const {
    for (const auto& flag : flags)
      if (flag.rfind(key + "=", 0) == 0)
        return std::stoul(flag.substr(key.size() + 1));
    return otherwise;
  }
};

[[noreturn]] inline void die(const char* what, int error) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(error));
  std::exit(1);
}

inline arguments parse(int argc, char** argv) {
  arguments result;
  for (auto i = 1; i < argc; ++i) {
    if (argv[i][0] == '-')
      result.flags.emplace_back(argv[i]);
    else
      result.path = argv[i];
  }
  if (result.path.empty()) {
    std::fprintf(stderr, "usage: %s PATH [FLAG...]\n", argv[0]);
    std::exit(2);
  }
  std::signal(SIGPIPE, SIG_IGN);
  // Keep the memory of long messages, rather than return it and fault it in again for each.
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return result;
}

/// Returns a listening socket at `path`.
/// @param flags type and flags of the socket, e.g. SOCK_SEQPACKET | SOCK_NONBLOCK
inline int listen_at(const std::string& path, int flags) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    die("bind", ENAMETOOLONG);
  path.copy(address.sun_path, path.size());
  unlink(path.c_str());
  auto fd = socket(AF_UNIX, flags | SOCK_CLOEXEC, 0);
  if (fd < 0)
    die("socket", errno);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    die("bind", errno);
  if (listen(fd, 4096) != 0)
    die("listen", errno);
  return fd;
}

/// Bytes of the longest message that a peer takes, unless a flag says otherwise.
constexpr size_t largest_message = 256u << 10;

/// Lets a socket hold a message of `largest` bytes, as pipeactor does: the kernel doubles the
/// value, socket(7).
inline void raise_send_buffer(int fd, size_t largest = largest_message) {
  auto bytes = static_cast<int>(largest);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

inline void announce(const std::string& path) {
  std::printf("LISTENING %s\n", path.c_str());
  std::fflush(stdout);
}

} // namespace peer
