#pragma once

#include <string>

namespace test {

/// Ends the case that calls this: it is not run, and counted as not run. The program prints how
/// many cases were not run and why, and ends with `exit_code_if_skipped` if it ran no other.
/// @param why where the case does not run and what it needs: "on iocp: needs half_close"
[[noreturn]] void skip(const std::string& why);

/// ctest takes this for a skipped test (SKIP_RETURN_CODE).
constexpr int exit_code_if_skipped = 77;

} // namespace test
