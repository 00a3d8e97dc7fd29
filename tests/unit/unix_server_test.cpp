// What happens to a server whose listening socket or files somebody harms.

#include "pipeactor/all.hpp"

#include "captured_log.hpp"
#include "eventually.hpp"
#include "unix_port_helpers.hpp"

#include <fcntl.h>

#include <cstdio>
#include <fstream>
#include <memory>

using namespace unix_port;

namespace {

class echo_session : public session {
protected:
  void message_received(const pipeactor::cookie&, const payload& data) override {
    async_write(data);
  }
};

/// Returns whether a client gets its answer.
bool is_served(const unique_fd& client) {
  return send_to(client, "question") && receive_from(client, 0) == "question";
}

/// Connects as soon as a server listens.
unique_fd connected_to(const std::string& name) {
  unique_fd result;
  test::eventually([&] {
    auto fd = connect_unix(name, pipe_mode::message);
    if (fd)
      result = std::move(*fd);
    return static_cast<bool>(fd);
  });
  fcntl(result.get(), F_SETFL, fcntl(result.get(), F_GETFL) & ~O_NONBLOCK);
  return result;
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

/// A server of echo sessions at a path of its own, on each port.
struct harmed_server {
  explicit harmed_server(pipe_access access = pipe_access::owner()) {
    context_options where;
    where.port = each_port();
    ctx = std::make_unique<context>(system, where);
    server_options options;
    options.pipe_name = name;
    options.access = std::move(access);
    server = ctx->spawn_session_server(
      options, [] { return std::make_unique<echo_session>(); }, handler);
    start();
  }

  void start() {
    REQUIRE(server.start());
    auto is_ready = false;
    handler->receive([&](const server_ready&) { is_ready = true; },
                     caf::after(test::patience) >> [] {});
    REQUIRE(is_ready);
  }

  /// Waits for `server_failed`.
  /// @returns its reason
  caf::error failure() {
    caf::error result;
    handler->receive(
      [&](const server_failed& e) {
        CHECK(e.server == server.actor());
        CHECK(e.pipe_name == name);
        result = e.reason;
      },
      caf::after(test::patience) >> [] {});
    return result;
  }

  captured_log log;
  unix_helpers::temp_directory directory;
  std::string name = directory / "pipe";
  caf::actor_system_config config;
  caf::actor_system system{config};
  std::unique_ptr<context> ctx;
  caf::scoped_actor handler{system};
  named_pipe_server server;
};

} // namespace

TEST_CASE("a server listens again if its socket is shut down or its files are removed, and keeps "
          "its clients") {
  auto harm = GENERATE(as<std::string>{}, "socket", "lock file", "socket file", "both files");
  CAPTURE(harm);
  harmed_server x;
  auto lock = x.name + ".lock";
  auto before = connected_to(x.name);
  REQUIRE(is_served(before));
  if (harm == "socket")
    REQUIRE(shutdown(listening_socket(), SHUT_RDWR) == 0);
  if (harm == "lock file" || harm == "both files")
    REQUIRE(unlink(lock.c_str()) == 0);
  // The server may have removed it itself meanwhile, and made another.
  if (harm == "socket file" || harm == "both files")
    unlink(x.name.c_str());
  // Each is told: what happened, and that clients may come again.
  CHECK(test::eventually([&] { return x.log.lines().size() >= 2; }));
  CHECK(test::eventually([&] { return pipe_name_claim::is_held(x.name); }));
  // If it made its files anew between the two removals, the first client may meet its next end.
  unique_fd after;
  CHECK(test::eventually([&] {
    after = connected_to(x.name);
    return is_served(after);
  }));
  CHECK(is_served(before));
  CHECK_FALSE(x.server.stop());
  CHECK_FALSE(unix_helpers::exists(x.name));
  CHECK_FALSE(unix_helpers::exists(lock));
}

TEST_CASE("a server whose new files are removed as soon as they are there listens again") {
  for (int round = 0; round < 5; ++round) {
    harmed_server x;
    REQUIRE(unlink((x.name + ".lock").c_str()) == 0);
    // Some before the server watches them.
    int removed = 0;
    CHECK(test::eventually([&] {
      removed += unlink(x.name.c_str()) == 0;
      return removed == 4;
    }));
    unique_fd after;
    CHECK(test::eventually([&] {
      after = connected_to(x.name);
      return is_served(after);
    }));
  }
}

TEST_CASE("a server that cannot listen again stops, and tells its handler why") {
  harmed_server x;
  auto client = connected_to(x.name);
  REQUIRE(is_served(client));
  // What is no socket is never removed. One step: the server looks at its files meanwhile.
  auto file = x.directory / "file";
  std::ofstream{file} << "no socket";
  REQUIRE(std::rename(file.c_str(), x.name.c_str()) == 0);
  // After some attempts.
  CHECK(code_of(x.failure()) == errc::not_a_pipe);
  CHECK(receive_from(client, 0) == ".");
  CHECK(x.log.lines().size() == 2);
  REQUIRE(unlink(x.name.c_str()) == 0);
  x.start();
  CHECK(is_served(connected_to(x.name)));
}

TEST_CASE("a server whose listener fails again and again stops, and tells its handler why") {
  harmed_server x;
  // Whenever it listens, its socket is shut down.
  CHECK(test::eventually([&] {
    if (auto fd = listening_socket(); fd != -1)
      shutdown(fd, SHUT_RDWR);
    return x.handler->has_next_message();
  }));
  CHECK(x.failure());
  CHECK_FALSE(connect_unix(x.name, pipe_mode::message));
  x.start();
  CHECK(is_served(connected_to(x.name)));
}

TEST_CASE("access everyone lets every user connect, access owner no other one") {
  unix_helpers::needs_root();
  auto access = GENERATE(pipe_access::everyone(), pipe_access::owner());
  harmed_server x{access};
  REQUIRE(chmod(x.directory.path().c_str(), 0755) == 0);
  for (int round = 0; round < 3; ++round) {
    auto told = unix_helpers::as_user(unix_helpers::other_user, [&]() -> std::string {
      auto fd = connect_unix(x.name, pipe_mode::message);
      if (!fd)
        return to_string(code_of(fd.error()));
      fcntl(fd->get(), F_SETFL, fcntl(fd->get(), F_GETFL) & ~O_NONBLOCK);
      return is_served(*fd) ? "served" : "not served";
    });
    CHECK(told == (access == pipe_access::everyone() ? "served" : "access_denied"));
  }
}
