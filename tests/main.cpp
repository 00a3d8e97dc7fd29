// The main of every Catch2 program here. CAF 0.17 keeps its message types in each
// actor_system_config (see `pipeactor::detail::add_message_types`), so there is
// nothing global to set up. SIGPIPE keeps its default, which kills: the library must
// not depend on a program that ignores it.

#define CATCH_CONFIG_RUNNER
#include "skip.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <map>
#include <set>

#ifdef __linux__
#  include <unistd.h>
#endif

namespace {

/// Counts the cases that are run, and those that are not.
class case_counter final : public Catch::TestEventListenerBase {
public:
  using TestEventListenerBase::TestEventListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    TestEventListenerBase::testCaseStarting(info);
    ++begun;
    running = info.name;
  }

  static size_t begun;
  static std::string running;
  static std::map<std::string, std::set<std::string>> skipped;
};

size_t case_counter::begun = 0;
std::string case_counter::running;
std::map<std::string, std::set<std::string>> case_counter::skipped;

CATCH_REGISTER_LISTENER(case_counter)

/// Prints which cases were not run.
/// @returns whether they were all
bool report_skipped() {
  std::set<std::string> all;
  for (auto& [why, cases] : case_counter::skipped) {
    std::printf("%zu %s not run %s\n", cases.size(), cases.size() == 1 ? "case" : "cases",
                why.c_str());
    all.insert(cases.begin(), cases.end());
  }
  return !all.empty() && all.size() == case_counter::begun;
}

} // namespace

void test::skip(const std::string& why) {
  case_counter::skipped[why].insert(case_counter::running);
  // Catch2 takes this for a case whose failure was reported already: it ends the case, and
  // counts nothing.
  throw Catch::TestFailureException{};
}

int main(int argc, char* argv[]) {
  // Without a buffer, all output before a crash shows, even in a file.
  std::setvbuf(stdout, nullptr, _IONBF, 0);
#ifdef __linux__
  // Tests count descriptors: what the caller left open must not show.
  close_range(STDERR_FILENO + 1, ~0U, 0);
#endif
  // The number of failures, or of the cases in a list. It could happen to be the code for a
  // skipped test.
  if (Catch::Session().run(argc, argv) != 0)
    return 1;
  return report_skipped() ? test::exit_code_if_skipped : 0;
}
