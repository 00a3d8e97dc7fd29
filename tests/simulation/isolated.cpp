#include "isolated.hpp"

namespace simulation {

namespace {

outcome run_task(const task& t) {
  auto result = run(t.what);
  if (t.twice && result.failure.empty() && run(t.what).history != result.history)
    result.failure = "two runs differ";
  return result;
}

} // namespace

} // namespace simulation

#ifdef _WIN32

namespace simulation {

std::vector<outcome> run_isolated(const std::vector<task>& tasks) {
  std::vector<outcome> result;
  for (auto& t : tasks)
    result.push_back(run_task(t));
  return result;
}

} // namespace simulation

#else

#  include "base/marks.hpp"

#  include <sys/resource.h>
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

/// In seconds of the processor's time: more than any batch takes, also under a sanitizer.
constexpr rlim_t patience = 120;

/// What a child says: each part ends with a zero byte. Of each run the failure, the number of lines
/// of its history, and these lines; then the marks.
void append(std::string& report, std::string_view part) {
  report += part;
  report += '\0';
}

void send(int to, const std::string& report) {
  for (size_t done = 0; done < report.size();) {
    auto written = ::write(to, report.data() + done, report.size() - done);
    if (written < 0)
      _exit(1);
    done += static_cast<size_t>(written);
  }
}

[[noreturn]] void run_child(const std::vector<task>& tasks, int to) {
  rlimit limit{patience, patience};
  setrlimit(RLIMIT_CPU, &limit);
  for (auto& passed : passed_marks)
    passed = 0;
  for (auto& t : tasks) {
    auto result = run_task(t);
    std::string report;
    append(report, result.failure);
    append(report, std::to_string(result.history.size()));
    for (auto& line : result.history)
      append(report, line);
    send(to, report);
  }
  std::string marks;
  for (auto& passed : passed_marks)
    append(marks, std::to_string(passed.load()));
  send(to, marks);
  // No destructors: the parent's output is not this process's to flush.
  _exit(0);
}

/// Returns the parts that a child has sent; the last one is dropped if it is not complete.
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

uint64_t number_in(const std::string& part) {
  return std::strtoull(part.c_str(), nullptr, 10);
}

std::string end_of(int status) {
  if (!WIFSIGNALED(status))
    return "it ends with status " + std::to_string(WEXITSTATUS(status));
  auto signal = WTERMSIG(status);
  return signal == SIGKILL || signal == SIGXCPU ? "it never ends"
                                                : "it crashes: signal " + std::to_string(signal);
}

} // namespace

std::vector<outcome> run_isolated(const std::vector<task>& tasks) {
  std::cout.flush();
  int ends[2];
  if (::pipe(ends) != 0)
    return {{{}, "no pipe to a process"}};
  auto child = fork();
  if (child == 0) {
    ::close(ends[0]);
    run_child(tasks, ends[1]);
  }
  ::close(ends[1]);
  auto parts = read_parts(ends[0]);
  ::close(ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child)
    return {{{}, "no process"}};
  std::vector<outcome> result;
  size_t next = 0;
  while (result.size() < tasks.size() && next + 2 <= parts.size()) {
    auto lines = number_in(parts[next + 1]);
    if (next + 2 + lines > parts.size())
      break;
    auto begin = parts.begin() + static_cast<ptrdiff_t>(next + 2);
    result.push_back({{begin, begin + static_cast<ptrdiff_t>(lines)}, parts[next]});
    next += 2 + lines;
  }
  if (status != 0 && result.size() < tasks.size())
    result.push_back({{}, end_of(status)});
  for (size_t i = 0; i < num_marks && next + i < parts.size(); ++i)
    passed_marks[i] += number_in(parts[next + i]);
  return result;
}

} // namespace simulation

#endif
