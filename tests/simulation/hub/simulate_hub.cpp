// Runs the hub's simulated world (world.hpp) of one seed or of many.

#include "world.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>

namespace simulation::hub {

namespace {

constexpr auto usage = R"(usage: simulate_hub --seed N [--history]
       simulate_hub --from A (--count K | --seconds S) [--first]

--seed N        runs seed N twice, and compares both runs
--history       prints everything that happens
--from A --count K
                runs the seeds A, A+1, ...: each 16th twice
--seconds S     the same, until so much time has passed
--first         ends with the first seed that fails
)";

struct command {
  uint64_t seed = 0;
  uint64_t count = UINT64_MAX;
  std::chrono::seconds time = std::chrono::hours{24 * 365};
  bool one = false;
  bool first = false;
  bool history = false;
};

/// For a crash: nothing else would tell the seed.
uint64_t running = 0;

extern "C" void report_crash(int) {
  std::cout << "simulate_hub --seed " << running << ": it crashes" << std::endl;
  std::_Exit(1);
}

outcome run_seed(uint64_t seed, bool twice) {
  running = seed;
  auto p = draw(seed);
  auto result = run(p);
  if (twice && result.failure.empty() && run(p).history != result.history)
    result.failure = "two runs differ";
  return result;
}

void print(uint64_t seed, const outcome& x) {
  std::cout << "simulate_hub --seed " << seed << ": " << (x.failure.empty() ? "passed" : x.failure)
            << std::endl;
}

int run_one(const command& c) {
  auto result = run_seed(c.seed, true);
  if (c.history)
    for (auto& line : result.history)
      std::cout << line << '\n';
  print(c.seed, result);
  return result.failure.empty() ? 0 : 1;
}

int run_many(const command& c) {
  uint64_t done = 0;
  size_t failed = 0;
  size_t events = 0;
  auto end = std::chrono::steady_clock::now() + c.time;
  while (done < c.count && std::chrono::steady_clock::now() < end && !(c.first && failed > 0)) {
    auto seed = c.seed + done++;
    auto result = run_seed(seed, seed % 16 == 0);
    events += result.history.size();
    if (result.failure.empty())
      continue;
    ++failed;
    print(seed, result);
  }
  std::cout << done << " seeds from " << c.seed << ", " << events << " events, " << failed
            << " failed\n";
  return failed == 0 ? 0 : 1;
}

/// Reads the command line.
/// @returns false if it is wrong
bool read(int argc, char** argv, command& c) {
  auto ranged = false;
  for (int i = 1; i < argc; ++i) {
    std::string_view option = argv[i];
    if (option == "--history" || option == "--first") {
      (option == "--first" ? c.first : c.history) = true;
      continue;
    }
    if (++i == argc)
      return false;
    auto number = std::strtoull(argv[i], nullptr, 10);
    if (option == "--seed" || option == "--from") {
      c.seed = number;
      c.one = c.one || option == "--seed";
    } else if (option == "--count") {
      c.count = number;
      ranged = true;
    } else if (option == "--seconds") {
      c.time = std::chrono::seconds{number};
      ranged = true;
    } else {
      return false;
    }
  }
  return c.one != ranged;
}

} // namespace

} // namespace simulation::hub

int main(int argc, char** argv) {
  using namespace simulation::hub;
  for (auto signal : {SIGSEGV, SIGABRT, SIGFPE})
    std::signal(signal, report_crash);
  command c;
  if (!read(argc, argv, c)) {
    std::cerr << usage;
    return 2;
  }
  return c.one ? run_one(c) : run_many(c);
}
