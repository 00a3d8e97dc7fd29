#include "isolated.hpp"

#ifdef _WIN32

namespace simulation {

outcome run_isolated(const plan& p) {
  return run(p);
}

} // namespace simulation

#else

#  include "base/marks.hpp"

#  include <sys/wait.h>
#  include <unistd.h>

#  include <array>
#  include <csignal>
#  include <cstdlib>
#  include <iostream>

namespace simulation {

namespace {

using pipeactor::detail::num_marks;
using pipeactor::detail::passed_marks;

/// In seconds: more than any run takes, also under a sanitizer on a busy machine.
constexpr unsigned patience = 120;

/// What a child says: each part ends with a zero byte.
void append(std::string& report, std::string_view part) {
  report += part;
  report += '\0';
}

[[noreturn]] void run_child(const plan& p, int to) {
  alarm(patience);
  for (auto& passed : passed_marks)
    passed = 0;
  auto result = run(p);
  std::string report;
  append(report, result.failure);
  for (auto& passed : passed_marks)
    append(report, std::to_string(passed.load()));
  for (auto& line : result.history)
    append(report, line);
  for (size_t done = 0; done < report.size();) {
    auto written = ::write(to, report.data() + done, report.size() - done);
    if (written < 0)
      break;
    done += static_cast<size_t>(written);
  }
  // No destructors: the parent's output is not this process's to flush.
  _exit(0);
}

std::vector<std::string> read_parts(int from) {
  std::string report;
  std::array<char, 65536> buffer;
  for (ssize_t size; (size = ::read(from, buffer.data(), buffer.size())) > 0;)
    report.append(buffer.data(), static_cast<size_t>(size));
  std::vector<std::string> result;
  for (size_t begin = 0, end; (end = report.find('\0', begin)) != std::string::npos;
       begin = end + 1)
    result.push_back(report.substr(begin, end - begin));
  return result;
}

} // namespace

outcome run_isolated(const plan& p) {
  std::cout.flush();
  int ends[2];
  if (::pipe(ends) != 0)
    return {{}, "no pipe to a process"};
  auto child = fork();
  if (child == 0) {
    ::close(ends[0]);
    run_child(p, ends[1]);
  }
  ::close(ends[1]);
  auto parts = read_parts(ends[0]);
  ::close(ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child)
    return {{}, "no process"};
  if (WIFSIGNALED(status))
    return {{},
            WTERMSIG(status) == SIGALRM ? "it never ends"
                                        : "it crashes: signal " + std::to_string(WTERMSIG(status))};
  if (status != 0 || parts.size() < 1 + num_marks)
    return {{}, "it ends with status " + std::to_string(WEXITSTATUS(status))};
  outcome result;
  result.failure = parts[0];
  for (size_t i = 0; i < num_marks; ++i)
    passed_marks[i] += std::strtoull(parts[1 + i].c_str(), nullptr, 10);
  result.history.assign(parts.begin() + 1 + num_marks, parts.end());
  return result;
}

} // namespace simulation

#endif
