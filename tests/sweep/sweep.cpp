#include "sweep/sweep.hpp"

#include "base/log.hpp"
#include "contract/test_client.hpp"
#include "sweep/failing_allocations.hpp"
#include "sweep/sweep_world.hpp"
#include "unit/eventually.hpp"

#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>

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
  long allocations = 0;
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

/// Plays the scene undisturbed, so that all that lives for ever is made, and then disturbed.
void play_disturbed(pipeactor::port_kind port, scene play, long number) {
  // The log is made with its first line.
  pipeactor::detail::log_warning("a sweep begins");
  for (int round = 0; round < 2; ++round)
    run_in_world(port, play);
  auto living = living_allocations();
  auto handles = contract::open_handles();
  fail_allocation(number);
  run_in_world(port, play);
  shared_report()->allocations = counted_allocations();
  // Threads of CAF may still be about to free theirs.
  if (!test::eventually([&] { return living_allocations() <= living; }))
    throw broken_rule{std::to_string(living_allocations() - living) + " allocations are left"};
  if (contract::open_handles() > handles)
    throw broken_rule{"handles are left"};
}

/// The program of a child process.
[[noreturn]] void run_child(pipeactor::port_kind port, scene play, long number) {
  alarm(run_limit_s);
  // Each failure is logged: many lines that say nothing new.
  std::freopen("/dev/null", "w", stderr);
  auto& result = *shared_report();
  std::set_terminate([] {
    shared_report()->set(outcome::terminated, "terminated");
    _exit(0);
  });
  try {
    play_disturbed(port, play, number);
    result.set(outcome::held, "");
  } catch (const broken_rule& e) {
    result.set(outcome::broken, e.text);
  } catch (...) {
    result.set(outcome::broken, "an exception that nobody expects");
  }
  _exit(0);
}

report run_once(pipeactor::port_kind port, scene play, long number) {
  auto& result = *shared_report();
  result = {};
  auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0)
    run_child(port, play, number);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status))
    result.set(outcome::crashed, "signal " + std::to_string(WTERMSIG(status)));
  return result;
}

} // namespace

void sweep_allocations(pipeactor::port_kind port, scene play) {
  auto undisturbed = run_once(port, play, 0);
  INFO(undisturbed.text.data());
  REQUIRE(undisturbed.what == outcome::held);
  REQUIRE(undisturbed.allocations > 0);
  long terminated = 0;
  for (long number = 1; number <= undisturbed.allocations; ++number) {
    auto result = run_once(port, play, number);
    if (result.what == outcome::terminated)
      ++terminated;
    else if (result.what != outcome::held)
      FAIL_CHECK("allocation " << number << " of " << undisturbed.allocations << ": "
                               << result.text.data());
  }
  std::printf("%s: %ld allocations failed, one at a time; %ld ended the program\n",
              Catch::getResultCapture().getCurrentTestName().c_str(), undisturbed.allocations,
              terminated);
}

} // namespace sweep
