// Runs the simulated world (world.hpp) of one seed or of many.

#include "isolated.hpp"
#include "plan.hpp"

#include "base/marks.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace simulation {

namespace {

constexpr auto usage = R"(usage: simulate --seed N [--history] [LIMITS]
       simulate --from A (--count K | --seconds S) [--marks] [--first]

--seed N        runs seed N twice, and compares both runs
--history       prints everything that happens
--from A --count K
                runs the seeds A, A+1, ...: each 16th twice. The first that fails is made smaller
--seconds S     the same, until so much time has passed
--marks         prints how often each mark was passed, and fails if one never was
--first         ends with the first seed that fails

LIMITS, as a run that was made smaller prints them:
--steps N       at most N steps
--clients N     at most N foreign clients, and as many of ours
--without PART  without an operation or a fault
)";

struct command {
  uint64_t seed = 0;
  uint64_t count = UINT64_MAX;
  std::chrono::seconds time = std::chrono::hours{24 * 365};
  bool one = false;
  bool first = false;
  bool history = false;
  bool marks = false;
  size_t steps = SIZE_MAX;
  size_t clients = SIZE_MAX;
  std::vector<std::string> without;
};

/// Returns the plan of a seed within the limits of a command.
plan plan_of(const command& c) {
  auto p = draw(c.seed);
  p.steps = std::min(p.steps, c.steps);
  p.most_clients = std::min(p.most_clients, c.clients);
  for (auto& part : c.without)
    leave_out(p, part);
  return p;
}

std::string line_of(const command& c) {
  auto result = "simulate --seed " + std::to_string(c.seed);
  if (c.steps != SIZE_MAX)
    result += " --steps " + std::to_string(c.steps);
  if (c.clients != SIZE_MAX)
    result += " --clients " + std::to_string(c.clients);
  for (auto& part : c.without)
    result += " --without " + part;
  return result;
}

/// Makes a failing run smaller: leaves out what it fails without, one thing after the other.
command shrink(command c) {
  auto still_fails = [](const command& smaller) {
    return !run_isolated({{plan_of(smaller)}}).front().failure.empty();
  };
  for (auto& part : parts_of(plan_of(c))) {
    auto smaller = c;
    smaller.without.push_back(part);
    if (still_fails(smaller))
      c = smaller;
  }
  auto halve = [&](size_t command::*limit, size_t from) {
    for (auto size = from / 2; size > 0; size /= 2) {
      auto smaller = c;
      smaller.*limit = size;
      if (!still_fails(smaller))
        return;
      c = smaller;
    }
  };
  halve(&command::clients, plan_of(c).most_clients);
  halve(&command::steps, plan_of(c).steps);
  return c;
}

int run_one(const command& c) {
  auto result = run_isolated({{plan_of(c), true}}).front();
  if (c.history)
    for (auto& line : result.history)
      std::cout << line << '\n';
  std::cout << line_of(c) << ": " << (result.failure.empty() ? "passed" : result.failure) << '\n';
  return result.failure.empty() ? 0 : 1;
}

/// @returns whether every mark was passed
bool print_marks() {
  auto all = true;
  for (size_t i = 0; i < pipeactor::detail::num_marks; ++i) {
    auto count = pipeactor::detail::passed_marks[i].load();
    all = all && count > 0;
    std::cout << to_string(static_cast<pipeactor::detail::mark>(i)) << ": " << count
              << (count > 0 ? "" : " NEVER") << '\n';
  }
  return all;
}

int run_many(const command& c) {
  // Seeds that share a process: starting one for each takes longer than most runs.
  constexpr uint64_t batch = 32;
  constexpr uint64_t compared = 16;
  size_t failed = 0;
  size_t events = 0;
  uint64_t done = 0;
  auto end = std::chrono::steady_clock::now() + c.time;
  while (done < c.count && std::chrono::steady_clock::now() < end && !(c.first && failed > 0)) {
    std::vector<task> tasks;
    for (auto seed = c.seed + done; tasks.size() < std::min(batch, c.count - done); ++seed)
      tasks.push_back({draw(seed), seed % compared == 0});
    for (auto& result : run_isolated(tasks)) {
      command one;
      one.seed = c.seed + done++;
      events += result.history.size();
      if (result.failure.empty())
        continue;
      std::cout << line_of(one) << ": " << result.failure << '\n';
      if (failed++ == 0 && !c.first)
        std::cout << "smaller: " << line_of(shrink(one)) << std::endl;
    }
  }
  std::cout << done << " seeds from " << c.seed << ", " << events << " events, " << failed
            << " failed\n";
  auto passed_all = !c.marks || print_marks();
  return failed == 0 && passed_all ? 0 : 1;
}

/// Reads the command line.
/// @returns false if it is wrong
bool read(int argc, char** argv, command& c) {
  auto ranged = false;
  for (int i = 1; i < argc; ++i) {
    std::string_view option = argv[i];
    if (option == "--history") {
      c.history = true;
      continue;
    }
    if (option == "--marks") {
      c.marks = true;
      continue;
    }
    if (option == "--first") {
      c.first = true;
      continue;
    }
    if (++i == argc)
      return false;
    auto number = std::strtoull(argv[i], nullptr, 10);
    if (option == "--seed") {
      c.seed = number;
      c.one = true;
    } else if (option == "--from") {
      c.seed = number;
    } else if (option == "--count") {
      c.count = number;
      ranged = true;
    } else if (option == "--seconds") {
      c.time = std::chrono::seconds{number};
      ranged = true;
    } else if (option == "--steps") {
      c.steps = number;
    } else if (option == "--clients") {
      c.clients = number;
    } else if (plan p; option == "--without" && leave_out(p, argv[i])) {
      c.without.emplace_back(argv[i]);
    } else {
      return false;
    }
  }
  return c.one != ranged;
}

} // namespace

} // namespace simulation

int main(int argc, char** argv) {
  // The library logs faults: not here, where they are meant to happen.
  spdlog::register_logger(
    std::make_shared<spdlog::logger>("pipeactor", std::make_shared<spdlog::sinks::null_sink_mt>()));
  simulation::command c;
  if (!simulation::read(argc, argv, c)) {
    std::cerr << simulation::usage;
    return 2;
  }
  return c.one ? simulation::run_one(c) : simulation::run_many(c);
}
