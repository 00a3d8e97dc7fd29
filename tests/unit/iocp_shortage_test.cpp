// What the iocp port does while Windows refuses what it needs: pipe instances, packets.

#include "captured_log.hpp"
#include "iocp_port_helpers.hpp"
#include "replaced_import.hpp"

#include <atomic>

using namespace iocp_test;

// The linker's names.
extern "C" {
extern decltype(&CreateNamedPipeW) __imp_CreateNamedPipeW;
extern decltype(&PostQueuedCompletionStatus) __imp_PostQueuedCompletionStatus;
}

namespace {

/// What CreateNamedPipeW fails with, or none.
std::atomic<DWORD> refusal{ERROR_SUCCESS};
std::atomic<size_t> refused{0};
decltype(&CreateNamedPipeW) create_pipe = nullptr;

HANDLE WINAPI create_pipe_or_refuse(LPCWSTR name, DWORD mode, DWORD pipe_mode, DWORD instances,
                                    DWORD out, DWORD in, DWORD timeout,
                                    LPSECURITY_ATTRIBUTES security) {
  if (auto code = refusal.load(); code != ERROR_SUCCESS) {
    ++refused;
    SetLastError(code);
    return INVALID_HANDLE_VALUE;
  }
  return create_pipe(name, mode, pipe_mode, instances, out, in, timeout, security);
}

/// A port whose pipe instances are refused if a test says so.
struct refused_world : world {
  refused_world() {
    refusal = ERROR_SUCCESS;
    refused = 0;
  }

  /// Takes clients until none is left for whom an instance waits.
  void take_all_instances(size_t count) {
    for (size_t index = 0; index < count; ++index)
      clients.push_back(connect());
    turn_until([&] { return events.accepted.size() == clients.size(); });
  }

  bool can_connect() {
    auto raw = port->connect(request.pipe_name, request.mode);
    if (raw)
      clients.push_back(std::move(*raw));
    return static_cast<bool>(raw);
  }

  // The log, and the function, come back after the port has ended.
  captured_log log;
  std::vector<raw_pipe_ptr> clients;
};

/// Refuses instances while it lives, which is longer than any world.
struct refusing_system {
  refusing_system() : replaced(__imp_CreateNamedPipeW, create_pipe_or_refuse) {
    create_pipe = replaced.before();
  }

  replaced_import<decltype(&CreateNamedPipeW)> replaced;
};

std::atomic<DWORD> post_refusal{ERROR_SUCCESS};
std::atomic<int> posts_to_refuse{0};
decltype(&PostQueuedCompletionStatus) post_packet = nullptr;

BOOL WINAPI post_or_refuse(HANDLE queue, DWORD size, ULONG_PTR key, LPOVERLAPPED overlapped) {
  if (posts_to_refuse > 0) {
    --posts_to_refuse;
    SetLastError(post_refusal);
    return FALSE;
  }
  return post_packet(queue, size, key, overlapped);
}

} // namespace

TEST_CASE("iocp_port rests while no instance can be made, logs each shortage once, and goes on") {
  refusing_system system;
  refused_world w;
  w.listen(1);
  for (size_t shortage = 1; shortage <= 3; ++shortage) {
    refusal = ERROR_NO_SYSTEM_RESOURCES;
    refused = 0;
    // The client that waits is served all the same.
    w.take_all_instances(1);
    CHECK_FALSE(w.can_connect());
    // Each rest ends with an attempt.
    w.turn_until([&] { return refused >= 4; });
    CHECK_FALSE(w.failure);
    CHECK(w.log.lines().size() == shortage);
    refusal = ERROR_SUCCESS;
    // An instance that waits says that the shortage is over.
    for (int count = 0; count < 3; ++count)
      w.take_all_instances(1);
    w.events.accepted.clear();
    w.clients.clear();
  }
  CHECK(count(w.events.events, "listener closed") == 0);
}

TEST_CASE("iocp_port does not spin while no instance can be made") {
  refusing_system system;
  refused_world w;
  w.listen(1);
  refusal = ERROR_NO_SYSTEM_RESOURCES;
  w.take_all_instances(1);
  // A turn waits as long as the rest, whatever its deadline is.
  auto before = refused.load();
  auto begin = clock::now();
  for (int turns = 0; turns < 10; ++turns)
    w.turn(1h);
  CHECK(clock::now() - begin >= 9 * defaults::accept_backoff);
  CHECK(refused - before <= 10);
}

TEST_CASE("iocp_port ends a listener that has no instance and cannot get one, with the reason") {
  refusing_system system;
  refused_world w;
  w.listen(1);
  refusal = ERROR_ACCESS_DENIED;
  w.take_all_instances(1);
  w.turn_until([&] { return count(w.events.events, "listener failed access_denied") == 1; });
  // Its client stays, and so does the name: a pipe that is there, and takes nobody.
  CHECK_FALSE(w.can_connect());
  auto server = w.accept();
  write_now(handle_of(w.clients[0]), "still here");
  w.port->start_reading(*server);
  w.turn_until([&] { return w.events.received == 1; });
}

TEST_CASE("iocp_port keeps a listener that has an instance, whatever the others fail with") {
  refusing_system system;
  refused_world w;
  w.listen(2);
  refusal = ERROR_ACCESS_DENIED;
  w.take_all_instances(1);
  w.turn_until([&] { return refused >= 4; });
  CHECK(count(w.events.events, "listener failed access_denied") == 0);
  CHECK(w.log.lines().size() == 1);
  CHECK(w.can_connect());
  refusal = ERROR_SUCCESS;
  w.turn_until([&] { return w.events.accepted.size() == w.clients.size(); });
}

TEST_CASE("iocp_queue posts a packet again until the system takes it") {
  auto code = GENERATE(as<DWORD>{}, ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY,
                       ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_QUOTA);
  CAPTURE(code);
  auto queue = make_queue();
  replaced_import<decltype(&PostQueuedCompletionStatus)> replaced{__imp_PostQueuedCompletionStatus,
                                                                  post_or_refuse};
  post_packet = replaced.before();
  post_refusal = code;
  for (ULONG_PTR value = 1; value <= 3; ++value) {
    posts_to_refuse = 5;
    queue.post(7, value);
    CHECK(posts_to_refuse == 0);
  }
  CHECK(queue.take(0) == size_t{3});
  for (size_t index = 0; index < 3; ++index)
    CHECK(reinterpret_cast<ULONG_PTR>(queue.packet(index).lpOverlapped) == index + 1);
  CHECK(queue.take(0) == size_t{0});
}
