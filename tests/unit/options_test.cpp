#include "pipeactor/options.hpp"
#include "pipeactor/error.hpp"

#include <catch2/catch.hpp>

using namespace pipeactor;

namespace {

server_options valid_options() {
  server_options result;
  result.pipe_name = "MyService";
  return result;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("options default to what the documentation says") {
  server_options options;
  CHECK(options.num_threads == 0);
  CHECK(context_options{}.num_threads == 1);
  CHECK(options.continuously_read);
  CHECK(options.message_buffer_size == 131072);
  CHECK(options.max_message_size == 0);
  CHECK(options.mode == pipe_mode::message);
  CHECK(options.pending_instances == 4);
  CHECK(options.connections_per_user == 0);
  CHECK(options.read_queue_bytes == 4194304);
  CHECK(options.read_queue_messages == 4096);
  CHECK(options.write_queue_bytes == 16777216);
  CHECK(options.write_queue_messages == 65536);
  CHECK(options.write_queue_policy == write_queue_policy::fail_write);
}

TEST_CASE("options need nothing but a pipe name") {
  CHECK(!check(valid_options()));
  auto err = check(server_options{});
  CHECK(code_of(err) == errc::missing_pipe_name);
  CHECK(contains(describe(err), "cannot start without specifying a pipe name"));
}

TEST_CASE("an option out of range is named together with its range") {
  struct row {
    const char* name;
    size_t server_options::*member;
    size_t value;
  };
  auto [name, member, value] = GENERATE(values<row>(
    {{"num_threads", &server_options::num_threads, 1025},
     {"num_threads", &server_options::num_threads, SIZE_MAX},
     {"message_buffer_size", &server_options::message_buffer_size, 0},
     {"message_buffer_size", &server_options::message_buffer_size, (size_t{1} << 30) + 1},
     {"max_message_size", &server_options::max_message_size, (size_t{1} << 30) + 1},
     {"pending_instances", &server_options::pending_instances, 0},
     {"pending_instances", &server_options::pending_instances, 65536},
     {"read_queue_bytes", &server_options::read_queue_bytes, 0},
     {"read_queue_bytes", &server_options::read_queue_bytes, (size_t{1} << 43) + 1},
     {"read_queue_messages", &server_options::read_queue_messages, 0},
     {"read_queue_messages", &server_options::read_queue_messages, (size_t{1} << 19) + 1},
     {"write_queue_bytes", &server_options::write_queue_bytes, 0},
     {"write_queue_bytes", &server_options::write_queue_bytes, (size_t{1} << 43) + 1},
     {"write_queue_messages", &server_options::write_queue_messages, 0},
     {"write_queue_messages", &server_options::write_queue_messages, (size_t{1} << 19) + 1}}));
  auto options = valid_options();
  options.*member = value;
  auto err = check(options);
  CAPTURE(name, value);
  CHECK(code_of(err) == errc::invalid_option);
  CHECK(contains(describe(err), std::string{name} + " is " + std::to_string(value) + ": use "));
}

TEST_CASE("options may be as large and as small as their ranges") {
  auto options = valid_options();
  options.num_threads = 1024;
  options.message_buffer_size = 1;
  options.max_message_size = size_t{1} << 30;
  options.pending_instances = 65535;
  options.read_queue_bytes = size_t{1} << 43;
  options.read_queue_messages = 1;
  options.write_queue_bytes = size_t{1} << 43;
  options.write_queue_messages = size_t{1} << 19;
  CHECK(!check(options));
}

TEST_CASE("the first of several bad options is reported") {
  auto options = valid_options();
  options.write_queue_bytes = 0;
  options.num_threads = 1025;
  CHECK(contains(describe(check(options)), "num_threads"));
}

TEST_CASE("the options of a client manager need nothing and have the same ranges") {
  client_options options;
  CHECK(!check(options));
  options.num_threads = 1025;
  CHECK(code_of(check(options)) == errc::invalid_option);
  options.num_threads = 1024;
  options.write_queue_messages = (size_t{1} << 19) + 1;
  CHECK(contains(describe(check(options)), "write_queue_messages"));
}

TEST_CASE("the longest pause before a re-connection may not be shorter than the first") {
  client_options options;
  options.reconnect.emplace();
  CHECK(!check(options));
  options.reconnect->initial_delay = std::chrono::milliseconds{20};
  options.reconnect->max_delay = std::chrono::milliseconds{20};
  CHECK(!check(options));
  options.reconnect->max_delay = std::chrono::milliseconds{19};
  CHECK(code_of(check(options)) == errc::invalid_option);
  CHECK(contains(describe(check(options)), "max_delay"));
}

TEST_CASE("modes and ports have names") {
  CHECK(to_string(pipe_mode::message) == "message");
  CHECK(to_string(pipe_mode::byte) == "byte");
  CHECK(to_string(port_kind::automatic) == "auto");
  CHECK(to_string(port_kind::io_uring) == "io_uring");
  CHECK(to_string(port_kind::epoll) == "epoll");
  CHECK(to_string(port_kind::iocp) == "iocp");
  CHECK(to_string(port_kind::simulated) == "simulated");
  CHECK(to_string(static_cast<port_kind>(99)) == "unknown");
}
