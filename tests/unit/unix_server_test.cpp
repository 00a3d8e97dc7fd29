// What happens to a server whose listening socket or files somebody harms.

#include "pipeactor/all.hpp"

#include "captured_log.hpp"
#include "unix_port_helpers.hpp"

#include <fcntl.h>

#include <cstdio>
#include <fstream>
#include <thread>

using namespace unix_port;

namespace {

class echo_session : public session {
protected:
  void message_received(const pipeactor::cookie&, const payload& data) override {
    async_write(data);
  }
};

std::unique_ptr<session> make_echo_session() {
  return std::make_unique<echo_session>();
}

/// Returns whether a client gets its answer.
bool is_served(const unique_fd& client) {
  return send_to(client, "question") && receive_from(client, 0) == "question";
}

/// Connects, for five seconds.
unique_fd connected_to(const std::string& name) {
  for (auto end = clock::now() + 5s; clock::now() < end; std::this_thread::sleep_for(1ms))
    if (auto fd = connect_unix(name, pipe_mode::message)) {
      fcntl(fd->get(), F_SETFL, fcntl(fd->get(), F_GETFL) & ~O_NONBLOCK);
      return std::move(*fd);
    }
  return {};
}

int listening_socket() {
  for (auto& name : unix_helpers::files_in("/proc/self/fd")) {
    int value = 0;
    socklen_t size = sizeof(value);
    auto fd = std::atoi(name.c_str());
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1)
      return fd;
  }
  return -1;
}

template <class F>
bool becomes_true(F condition) {
  for (auto end = clock::now() + 5s; clock::now() < end; std::this_thread::sleep_for(1ms))
    if (condition())
      return true;
  return false;
}

} // namespace

TEST_CASE("a server listens again if its socket is shut down or its files are removed, and keeps "
          "its clients") {
  captured_log log;
  unix_helpers::temp_directory directory;
  auto name = directory / "pipe";
  auto lock = name + ".lock";
  auto harm = GENERATE(as<std::string>{}, "socket", "lock file", "socket file", "both files");
  CAPTURE(harm);
  caf::actor_system_config config;
  caf::actor_system system{config};
  context_options where;
  where.port = each_port();
  context ctx{system, where};
  server_options options;
  options.pipe_name = name;
  auto server = ctx.spawn_server<echo_session>(options);
  REQUIRE(server.start());
  auto before = connected_to(name);
  REQUIRE(is_served(before));
  if (harm == "socket")
    REQUIRE(shutdown(listening_socket(), SHUT_RDWR) == 0);
  if (harm == "lock file" || harm == "both files")
    REQUIRE(unlink(lock.c_str()) == 0);
  // The server may have removed it itself meanwhile, and made another.
  if (harm == "socket file" || harm == "both files")
    unlink(name.c_str());
  // Each is told: what happened, and that clients may come again.
  CHECK(becomes_true([&] { return log.lines().size() >= 2; }));
  CHECK(becomes_true([&] { return pipe_name_claim::is_held(name); }));
  auto after = connected_to(name);
  CHECK(is_served(after));
  CHECK(is_served(before));
  CHECK_FALSE(server.stop());
  CHECK_FALSE(unix_helpers::exists(name));
  CHECK_FALSE(unix_helpers::exists(lock));
}

TEST_CASE("a server that cannot listen again stops, and tells its handler why") {
  captured_log log;
  unix_helpers::temp_directory directory;
  auto name = directory / "pipe";
  caf::actor_system_config config;
  caf::actor_system system{config};
  context_options where;
  where.port = each_port();
  context ctx{system, where};
  server_options options;
  options.pipe_name = name;
  caf::scoped_actor handler{system};
  auto server = ctx.spawn_session_server(options, make_echo_session, handler);
  auto next_is_ready = [&] {
    auto result = false;
    handler->receive([&](const server_ready&) { result = true; }, [](const server_failed&) {},
                     caf::after(5s) >> [] {});
    return result;
  };
  REQUIRE(server.start());
  CHECK(next_is_ready());
  auto client = connected_to(name);
  REQUIRE(is_served(client));
  // What is no socket is never removed. One step: the server looks at its files meanwhile.
  auto file = directory / "file";
  std::ofstream{file} << "no socket";
  REQUIRE(std::rename(file.c_str(), name.c_str()) == 0);
  // After some attempts.
  CHECK(receive_from(client, 0) == ".");
  CHECK(becomes_true([&] { return log.lines().size() == 2; }));
  auto told = false;
  handler->receive(
    [&](const server_failed& e) {
      told = e.server == server.actor() && e.pipe_name == name
             && code_of(e.reason) == errc::not_a_pipe;
    },
    caf::after(5s) >> [] {});
  CHECK(told);
  REQUIRE(unlink(name.c_str()) == 0);
  CHECK(server.start());
  CHECK(next_is_ready());
  CHECK(is_served(connected_to(name)));
}

TEST_CASE("a server whose listener fails again and again stops, and tells its handler why") {
  captured_log log;
  unix_helpers::temp_directory directory;
  caf::actor_system_config config;
  caf::actor_system system{config};
  context_options where;
  where.port = each_port();
  context ctx{system, where};
  server_options options;
  options.pipe_name = directory / "pipe";
  caf::scoped_actor handler{system};
  auto server = ctx.spawn_session_server(options, make_echo_session, handler);
  REQUIRE(server.start());
  handler->receive([](const server_ready&) {});
  // Whenever it listens, its socket is shut down.
  CHECK(becomes_true([&] {
    if (auto fd = listening_socket(); fd != -1)
      shutdown(fd, SHUT_RDWR);
    return handler->has_next_message();
  }));
  auto told = false;
  handler->receive([&](const server_failed& e) { told = e.reason ? true : false; },
                   caf::after(5s) >> [] {});
  CHECK(told);
  CHECK_FALSE(connect_unix(options.pipe_name, pipe_mode::message));
  CHECK(server.start());
  CHECK(is_served(connected_to(options.pipe_name)));
}
