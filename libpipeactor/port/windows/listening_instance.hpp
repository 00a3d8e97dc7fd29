#pragma once

#include "pipeactor/caf.hpp"
#include "port/windows/iocp_queue.hpp"
#include "port/windows/unique_handle.hpp"

namespace pipeactor::port {

/// A pipe instance that waits for its client, without a completion port of its own. A handle can
/// be bound to only one port, for its whole life (CreateIoCompletionPort), and which port that is
/// gets decided when the client is there. So a thread of the system's pool waits in place of the
/// port, and posts a packet to it.
class listening_instance {
public:
  /// @param queue gets a packet with `key` and `number` when the client has come, or waiting has
  ///   failed; outlives this object
  listening_instance(unique_handle pipe, const iocp_queue& queue, ULONG_PTR key, ULONG_PTR number);

  /// Cancels the wait if nobody came, and returns when the system is done with this object.
  ~listening_instance();

  listening_instance(const listening_instance&) = delete;
  listening_instance& operator=(const listening_instance&) = delete;

  /// Begins to wait. Call once.
  caf::error listen();

  /// Takes the pipe out, after its packet has come. Call at most once.
  /// @returns an error if waiting failed
  caf::expected<unique_handle> take();

private:
  static void CALLBACK on_event(void* self, BOOLEAN timed_out);

  void post() noexcept;
  void stop_waiting() noexcept;

  unique_handle pipe_;
  unique_handle event_;
  HANDLE wait_ = nullptr;
  const iocp_queue& queue_;
  ULONG_PTR key_;
  ULONG_PTR number_;
  /// ConnectNamedPipe is under way.
  bool connecting_ = false;
  OVERLAPPED overlapped_ = {};
};

} // namespace pipeactor::port
