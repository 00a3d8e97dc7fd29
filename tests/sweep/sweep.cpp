#include "sweep/sweep.hpp"

#include "pipeactor/error.hpp"
#include "base/errors.hpp"
#include "base/log.hpp"
#include "port/closed_handles.hpp"
#include "contract/test_client.hpp"
#include "sweep/failing_allocations.hpp"
#include "sweep/failing_calls.hpp"
#include "sweep/sweep_world.hpp"

#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <thread>

namespace sweep {

namespace {

/// How long a run may take before it counts as a hang, in seconds.
constexpr unsigned run_limit_s = 60;

enum class outcome : uint8_t {
  /// The process did not come to the end of its run.
  crashed,
  /// All was as it has to be.
  held,
  /// The program ended because it could not allocate.
  terminated,
  broken,
};

/// What a child process reports.
struct report {
  outcome what = outcome::crashed;
  /// Allocations or system calls of the disturbed scene.
  long count = 0;
  std::array<char, 300> text{};

  void set(outcome value, const std::string& why) {
    what = value;
    std::snprintf(text.data(), text.size(), "%s", why.c_str());
  }
};

/// In memory that child processes share.
report* shared_report() {
  static auto* result = static_cast<report*>(
    mmap(nullptr, sizeof(report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return result;
}

/// What fails in a run.
struct failure {
  enum kind : uint8_t { allocation, call };

  kind what;
  /// The number of the allocation or call, from 1; 0: none.
  long number = 0;
  /// Which of the call's errors.
  size_t choice = 0;
};

/// Plays the scene undisturbed, so that all that lives for ever is made, and then disturbed.
void play_disturbed(pipeactor::port_kind port, scene play, failure disturbance) {
  // The log is made with its first line, and the system's texts with the first error.
  pipeactor::detail::log_warning(
    pipeactor::describe(pipeactor::errors::failed(pipeactor::errc::os_error, "nothing", EIO)));
  // So is the list of those that wait for a handle.
  pipeactor::port::closed_handle_watch{[] {}}.watch(true);
  for (int round = 0; round < 2; ++round)
    run_in_world(port, play);
  auto living = living_allocations();
  auto handles = contract::open_handles();
  auto allocates = disturbance.what == failure::allocation;
  fail_allocation(allocates ? disturbance.number : 0);
  fail_call(allocates ? 0 : disturbance.number, disturbance.choice);
  run_in_world(port, play);
  shared_report()->count = allocates ? counted_allocations() : counted_calls();
  // Threads of CAF may still be about to free theirs.
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{5};
  while (living_allocations() > living && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  if (living_allocations() > living)
    throw broken_rule{std::to_string(living_allocations() - living) + " allocations are left"};
  if (contract::open_handles() > handles)
    throw broken_rule{"handles are left"};
}

/// The program of a child process.
[[noreturn]] void run_child(pipeactor::port_kind port, scene play, failure disturbance) {
  alarm(run_limit_s);
  // Each failure is logged: many lines that say nothing new.
  std::freopen("/dev/null", "w", stderr);
  auto& result = *shared_report();
  std::set_terminate([] {
    shared_report()->set(outcome::terminated, "terminated, " + failed_call());
    _exit(0);
  });
  try {
    play_disturbed(port, play, disturbance);
    result.set(outcome::held, failed_call());
  } catch (const broken_rule& e) {
    result.set(outcome::broken, e.text + ", " + failed_call());
  } catch (...) {
    result.set(outcome::broken, "an exception that nobody expects, " + failed_call());
  }
  _exit(0);
}

report run_once(pipeactor::port_kind port, scene play, failure disturbance) {
  auto& result = *shared_report();
  result = {};
  auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0)
    run_child(port, play, disturbance);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status))
    result.set(outcome::crashed, "signal " + std::to_string(WTERMSIG(status)));
  return result;
}

/// Returns how many allocations or calls the scene has.
long count_undisturbed(pipeactor::port_kind port, scene play, failure::kind what) {
  auto result = run_once(port, play, {what});
  INFO(result.text.data());
  REQUIRE(result.what == outcome::held);
  return result.count;
}

std::string name_of_case() {
  return Catch::getResultCapture().getCurrentTestName();
}

} // namespace

void sweep_allocations(pipeactor::port_kind port, scene play) {
  auto count = count_undisturbed(port, play, failure::allocation);
  REQUIRE(count > 0);
  long terminated = 0;
  for (long number = 1; number <= count; ++number) {
    auto result = run_once(port, play, {failure::allocation, number});
    if (result.what == outcome::terminated)
      ++terminated;
    else if (result.what != outcome::held)
      FAIL_CHECK("allocation " << number << " of " << count << ": " << result.text.data());
  }
  std::printf("%s: %ld allocations failed, one at a time; %ld ended the program\n",
              name_of_case().c_str(), count, terminated);
}

void sweep_calls(pipeactor::port_kind port, scene play) {
  auto count = count_undisturbed(port, play, failure::call);
  if (port == pipeactor::port_kind::simulated) {
    CHECK(count == 0);
    return;
  }
  REQUIRE(count > 0);
  long failed = 0;
  for (long number = 1; number <= count; ++number)
    for (size_t choice = 0;; ++choice) {
      auto result = run_once(port, play, {failure::call, number, choice});
      if (result.what != outcome::held)
        FAIL_CHECK("call " << number << " of " << count << ": " << result.text.data());
      if (result.what != outcome::held || result.text[0] == '\0')
        break; // the call has no further error
      ++failed;
    }
  std::printf("%s: %ld calls, %ld failures, one at a time\n", name_of_case().c_str(), count,
              failed);
}

} // namespace sweep
