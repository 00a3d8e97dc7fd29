#pragma once

// System calls that fail on request. The linker lets this program's calls pass here first
// (--wrap, see CMakeLists.txt).

#include <string>

namespace sweep {

/// Makes the `number`th call fail (from 1; 0: none) that happens inside a failing_scope, with the
/// `choice`th (from 0) of the errors that its manual lists and that may pass. Counting begins anew.
void fail_call(long number, size_t choice) noexcept;

/// Returns how many calls happened inside a failing_scope since fail_call().
long counted_calls() noexcept;

/// Returns the call that failed and its error, "recvmsg: Interrupted system call"; empty if none
/// did, because the call has no such choice.
std::string failed_call();

} // namespace sweep
