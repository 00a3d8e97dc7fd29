#pragma once

// Runs a scene again and again, each time in a process of its own, with another allocation or
// another system call that fails.

#include "pipeactor/options.hpp"

#include <string>

namespace sweep {

class world;

/// What servers, clients and connections do in one run. Throws broken_rule.
using scene = void (*)(world&);

/// Runs a scene on a port once for each of its allocations, which fails, and reports each run that
/// broke a rule as a failure of the case that calls this.
///
/// In each run the scene plays three times: twice undisturbed, then with the failure. Afterwards
/// no memory and no handle may be left that was not there before. A program that cannot allocate
/// may end (std::terminate), but by nothing else: no signal, no hang.
void sweep_allocations(pipeactor::port_kind port, scene play);

/// The same for each of its system calls and each error that the call may report. The program may
/// not end.
void sweep_calls(pipeactor::port_kind port, scene play);

/// Thrown if the library did not do what it has to.
struct broken_rule {
  std::string text;
};

} // namespace sweep
