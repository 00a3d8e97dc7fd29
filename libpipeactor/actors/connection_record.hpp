#pragma once

#include "actors/read_account.hpp"
#include "actors/user_quota.hpp"
#include "bridge/pipe_owner.hpp"

#include <any>
#include <atomic>
#include <cstdint>

namespace pipeactor::detail {

/// The pipe's record, with the data of the actors' floor.
class connection_record final : public owned_pipe {
public:
  using account_ptr = caf::intrusive_ptr<read_account>;

  connection_record(const port::pipe_settings& settings, account_ptr account,
                    uint64_t coordinator_id, bool outgoing)
      : owned_pipe(next_id(), with_account(settings, account.get())),
        coordinator_id(coordinator_id), outgoing(outgoing), account(std::move(account)) {}

  /// The server or client manager that the connection belongs to.
  const uint64_t coordinator_id;

  /// Made by a client manager, not accepted by a server.
  const bool outgoing;

  const account_ptr account;

  /// The user's ticket: see named_pipe_connection::custom_data.
  std::any custom_data;

  // -- bridge thread only ---------------------------------------------------------------------

  /// Position in the bridge's list of connections.
  static constexpr size_t not_enrolled = SIZE_MAX;
  size_t index = not_enrolled;

  /// Counts an accepted connection as one of its user's until the pipe is closed.
  user_quota::ticket quota;

  /// Set if an outgoing connection was made at least once.
  bool was_connected = false;

  /// Set if the actor ended before its pipe: these must still be notified when the pipe is closed.
  struct heirs {
    caf::actor coordinator;
    caf::actor handler;
    caf::error reason;
  };
  heirs abandoned_to;

private:
  static port::pipe_settings with_account(port::pipe_settings settings, payload_account* account) {
    settings.account = account;
    return settings;
  }

  static uint64_t next_id() noexcept {
    static std::atomic<uint64_t> last{0};
    return ++last;
  }
};

using connection_record_ptr = caf::intrusive_ptr<connection_record>;

} // namespace pipeactor::detail
