#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/options.hpp"

namespace pipeactor {

/// CAF's configuration with the option group `pipeactor`, which the user of a program sets on the
/// command line (`--pipeactor.port=epoll`) or in CAF's configuration file:
///
/// - `port`: the port of all bridges: auto, io_uring, epoll or iocp
/// - `threads`: how many bridges serve each server and client manager that sets no `num_threads`
/// - `spin`: how long a bridge polls before it sleeps, e.g. 50us
/// - `memory-limit`: how many bytes the queues of all connections may hold together
///
/// CAF's `--long-help` lists them. This configuration also knows the library's message types, so
/// that connections may be used from other nodes. A program's own configuration derives from it:
/// see the example configured_server.
class PIPEACTOR_EXPORT system_config : public caf::actor_system_config {
public:
  system_config();
};

/// Returns `options` with the configuration's values in place of those that have their default. So
/// what code sets wins, except a value that is the default. `config` may be of any class.
/// @returns `caf::sec::invalid_argument` with the name of an option that has a wrong value
PIPEACTOR_EXPORT caf::expected<context_options>
with_configuration(context_options options, const caf::actor_system_config& config);

} // namespace pipeactor
