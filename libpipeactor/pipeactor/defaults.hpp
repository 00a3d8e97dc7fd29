#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Defaults of the options, and the fixed bounds of the library. Sizes are in bytes.
namespace pipeactor::defaults {

using namespace std::chrono_literals;

// -- options that a program may change: see options.hpp ---------------------------------------

/// Of a context; servers and client managers have 0, which stands for it.
constexpr size_t num_threads = 1;
constexpr size_t message_buffer_size = 131072;
/// Upper bound of the default: the operating system may grant less.
constexpr size_t max_message_size = size_t{4} << 20;
constexpr size_t pending_instances = 4;
constexpr size_t read_queue_bytes = size_t{4} << 20;
constexpr size_t read_queue_messages = 4096;
constexpr size_t write_queue_bytes = size_t{16} << 20;
constexpr size_t write_queue_messages = 65536;
constexpr size_t memory_limit = size_t{1} << 30;

/// How long `connect` keeps trying while the server is busy.
constexpr auto connect_timeout = 5s;
/// `reconnect_options`: the first pause, the longest one, and the share of a pause that is random.
constexpr auto reconnect_delay = 100ms;
constexpr auto reconnect_delay_limit = 10s;
constexpr double reconnect_jitter = 0.5;

// -- fixed bounds -----------------------------------------------------------------------------

/// How long queued writes may drain after the peer's end of file without progress, and the default
/// deadline of `close_after_drain`.
constexpr auto drain_timeout = 5s;
/// How long the socket of a server that was killed may outlive it, and how often to look.
constexpr auto name_linger = 2s;
constexpr auto name_linger_step = 10ms;
/// The pause before a client tries a busy server again: the first one, and the longest.
constexpr auto connect_backoff = 1ms;
constexpr auto connect_backoff_limit = 64ms;
/// How long accepting rests after the process ran out of descriptors.
constexpr auto accept_backoff = 50ms;
/// Clients of a server that are accepted and not dealt with yet. All others wait in the backlog.
constexpr size_t accepted_at_once = 16;
/// How long functions such as `named_pipe_server::start` wait for an answer at most.
constexpr auto request_timeout = 30s;
/// A handler that blocks its bridge for longer than `slow_handler` is logged. The watch looks once
/// in each `watch_interval`.
constexpr auto slow_handler = 100ms;
constexpr auto watch_interval = 25ms;
/// `write_queue_policy::drop_oldest`: how much the port is given at a time. It cannot be taken
/// back.
constexpr size_t undroppable_messages = 64;
constexpr size_t undroppable_bytes = size_t{256} << 10;
/// SO_SNDBUF, in the kernel's count, of a socket that has been full once. Other sockets keep the
/// system's default.
constexpr size_t busy_send_buffer = size_t{512} << 10;
/// A received message of up to this size is copied out of its receive buffer sooner: keeping it
/// there saves little.
constexpr size_t short_message = 4096;
/// Messages that one connection may deliver in one turn of its bridge.
constexpr size_t reads_per_turn = 32;
/// Jobs (runs of actors) in one turn of a bridge.
constexpr size_t jobs_per_turn = 256;
/// Messages that one actor may handle before the next actor's turn.
constexpr size_t messages_per_job = 64;
/// The longest write that an empty queue takes although `memory_limit` is reached.
constexpr size_t always_admitted_bytes = 64 * 1024;
/// Turns of a bridge in which its actors may end by themselves after all is closed.
constexpr size_t turns_after_end = 64;
/// Completions taken from the operating system in one turn.
constexpr size_t completions_per_turn = 4096;
/// Receive buffers of one size that a port may hold.
constexpr size_t receive_buffers = 1024;
/// Sizes of io_uring's rings, in entries (io_uring_setup(2)).
constexpr unsigned io_uring_submission_entries = 512;
constexpr unsigned io_uring_completion_entries = 4096;

} // namespace pipeactor::defaults
