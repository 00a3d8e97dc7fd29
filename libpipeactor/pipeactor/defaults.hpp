#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every constant that bounds something, in one place.
namespace pipeactor::defaults {

using namespace std::chrono_literals;

// -- options a user may change ----------------------------------------------------------------

constexpr size_t num_threads = 1;
constexpr size_t message_buffer_size = 131072;
/// Cap of the default `max_message_size`; what the OS grants may be less.
constexpr size_t max_message_size = size_t{4} << 20;
constexpr size_t pending_instances = 4;
constexpr size_t read_queue_bytes = size_t{4} << 20;
constexpr size_t read_queue_messages = 4096;
constexpr size_t write_queue_bytes = size_t{16} << 20;
constexpr size_t write_queue_messages = 65536;
/// All queued bytes of a context together.
constexpr size_t memory_limit = size_t{1} << 30;

/// How long `connect` tries while a server is busy.
constexpr auto connect_timeout = 5s;
/// The pauses of a connection that re-connects by itself.
constexpr auto reconnect_delay = 100ms;
constexpr auto reconnect_delay_limit = 10s;
constexpr double reconnect_jitter = 0.5;

// -- fixed bounds -----------------------------------------------------------------------------

/// How long queued writes may drain after the peer's end of file, and before
/// `close_after_drain` closes where it does not say.
constexpr auto drain_timeout = 5s;
/// How long a client waits before it tries a busy server again, at first and at most.
constexpr auto connect_backoff = 1ms;
constexpr auto connect_backoff_limit = 64ms;
/// How long `accept` rests after the process ran out of descriptors.
constexpr auto accept_backoff = 50ms;
/// How long `named_pipe_server::start` and `stop` wait for their answer.
constexpr auto request_timeout = 30s;
/// Handlers that run on a bridge for longer than this are reported, and how often the watch looks.
constexpr auto slow_handler = 100ms;
constexpr auto watch_interval = 25ms;
/// `write_queue_policy::drop_oldest`: what the port is given at most, and can't be dropped.
constexpr size_t undroppable_messages = 64;
constexpr size_t undroppable_bytes = size_t{256} << 10;
/// SO_SNDBUF, in the kernel's count, of a socket that has been full: others keep what the
/// system gives.
constexpr size_t busy_send_buffer = size_t{512} << 10;
/// Received messages up to this size leave more of a port's receive buffers to others: keeping
/// them in a buffer saves little.
constexpr size_t short_message = 4096;
/// Messages one connection may deliver in one turn of its bridge.
constexpr size_t reads_per_turn = 32;
/// Jobs (runs of actors) in one turn of a bridge.
constexpr size_t jobs_per_turn = 256;
/// Mailbox messages one actor may handle before the next one's turn.
constexpr size_t messages_per_job = 64;
/// Completions taken from the operating system in one turn.
constexpr size_t completions_per_turn = 4096;
/// Receive buffers of one size that a port may hold at most.
constexpr size_t receive_buffers = 1024;
constexpr unsigned io_uring_submission_entries = 512;
constexpr unsigned io_uring_completion_entries = 4096;

} // namespace pipeactor::defaults
