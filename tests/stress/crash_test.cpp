// A server that is killed with -9 under load and started again on its name: what its clients are
// told. The clients are here, the server is `pipecat listen --echo`.

#include "pipeactor/all.hpp"
#include "unit/unix_helpers.hpp"

#include <catch2/catch.hpp>

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

using namespace pipeactor;
using namespace std::chrono_literals;

namespace {

/// How long anything may take before it counts as stuck.
constexpr auto patience = 60s;
constexpr size_t num_connections = 8;
/// Writes of a connection that are not reported yet.
constexpr int window = 32;
constexpr size_t crashes = 5;

std::string program(const std::string& name) {
  std::string path(4096, '\0');
  auto size = readlink("/proc/self/exe", path.data(), path.size());
  REQUIRE(size > 0);
  path.resize(static_cast<size_t>(size));
  return path.substr(0, path.rfind('/') + 1) + name;
}

/// A `pipecat listen --echo` of its own.
class echo_process {
public:
  /// Returns when it listens.
  void start(const std::string& name, const std::string& port) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    auto path = program("pipecat");
    std::vector<std::string> words{path, "listen", name, "--echo", "--port", port};
    std::vector<char*> arguments;
    for (auto& word : words)
      arguments.push_back(word.data());
    arguments.push_back(nullptr);
    auto error = posix_spawn(&pid_, path.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    REQUIRE(error == 0);
    // Its first line says LISTENING.
    char byte = 0;
    while (byte != '\n' && read(ends[0], &byte, 1) == 1) {
    }
    close(ends[0]);
    REQUIRE(byte == '\n');
  }

  /// @returns the status that waitpid(2) tells
  int end_by(int signal) {
    int status = 0;
    if (pid_ > 0) {
      kill(pid_, signal);
      waitpid(pid_, &status, 0);
      pid_ = 0;
    }
    return status;
  }

  ~echo_process() {
    end_by(SIGKILL);
  }

private:
  pid_t pid_ = 0;
};

/// What happened to the writes of one connection.
struct account {
  bool is_connected = false;
  size_t losses = 0;
  size_t ends = 0;
  int written = 0;
  int under_way = 0;
  /// How often each write was reported.
  std::map<int, int> sent;
  std::map<int, int> failed;
  std::vector<int> echoes;
  size_t losses_before = 0;
  size_t echoes_before = 0;
};

/// All that the sessions and the test share.
struct ledger {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::unique_ptr<account>> accounts;
  /// No further writes.
  bool quiet = false;

  void for_each(const std::function<void(account&)>& f) {
    std::lock_guard guard{mutex};
    for (auto& x : accounts)
      f(*x);
  }

  /// Waits until `f` holds for each connection.
  bool wait_for_each(const std::function<bool(const account&)>& f) {
    std::unique_lock guard{mutex};
    return changed.wait_for(guard, patience, [&] {
      if (accounts.size() < num_connections)
        return false;
      for (auto& x : accounts)
        if (!f(*x))
          return false;
      return true;
    });
  }
};

/// Keeps `window` writes under way while it is connected.
class writer : public session {
public:
  explicit writer(ledger& all) : all_(all) {
    std::lock_guard guard{all_.mutex};
    all_.accounts.push_back(std::make_unique<account>());
    own_ = all_.accounts.back().get();
  }

protected:
  void connected() override {
    change([this] {
      own_->is_connected = true;
      write();
    });
  }

  void message_received(const pipeactor::cookie&, const payload& data) override {
    auto number = std::stoi(std::string{data.text()});
    change([&] { own_->echoes.push_back(number); });
  }

  void message_sent(const pipeactor::cookie& x) override {
    change([&] {
      ++own_->sent[*x.get_if<int>()];
      --own_->under_way;
      write();
    });
  }

  void message_failed(const pipeactor::cookie& x, const caf::error&) override {
    change([&] {
      ++own_->failed[*x.get_if<int>()];
      --own_->under_way;
    });
  }

  void reconnecting(const caf::error&, caf::timespan) override {
    // Attempts that fail are told, too.
    change([&] { own_->losses += std::exchange(own_->is_connected, false) ? 1 : 0; });
  }

  void disconnected(const caf::error&) override {
    change([&] { ++own_->ends; });
  }

private:
  template <class F>
  void change(F f) {
    {
      std::lock_guard guard{all_.mutex};
      f();
    }
    all_.changed.notify_all();
  }

  void write() {
    while (!all_.quiet && own_->under_way < window) {
      async_write(payload{std::to_string(own_->written) + " and what makes it longer"},
                  pipeactor::cookie::of(own_->written));
      ++own_->written;
      ++own_->under_way;
    }
  }

  ledger& all_;
  account* own_ = nullptr;
};

} // namespace

TEST_CASE(
  "clients of a server that is killed under load and restarted come back, and each write is "
  "reported once") {
  auto port = GENERATE(values({port_kind::io_uring, port_kind::epoll}));
  auto writes = GENERATE(values({offline_writes::wait, offline_writes::fail}));
  auto port_name = to_string(port);
  CAPTURE(port_name, writes == offline_writes::wait);
  unix_helpers::temp_directory directory;
  auto name = directory / "pipe";
  echo_process server;
  server.start(name, port_name);
  ledger all;
  caf::actor_system_config config;
  caf::actor_system system{config};
  context_options where;
  where.port = port;
  where.num_threads = 2;
  context ctx{system, where};
  client_options options;
  options.reconnect.emplace();
  options.reconnect->initial_delay = 5ms;
  options.reconnect->max_delay = 50ms;
  options.reconnect->writes = writes;
  auto manager = ctx.spawn_session_client_manager(options,
                                                  [&] { return std::make_unique<writer>(all); });
  std::vector<named_pipe_connection> connections;
  for (size_t index = 0; index < num_connections; ++index) {
    auto connection = manager.connect(name);
    REQUIRE(connection);
    connections.push_back(*connection);
  }
  auto is_served = [](auto& x) { return x.echoes.size() >= x.echoes_before + 100; };
  for (size_t round = 1; round <= crashes; ++round) {
    CAPTURE(round);
    REQUIRE(all.wait_for_each(is_served));
    all.for_each([](auto& x) { x.losses_before = x.losses; });
    server.end_by(SIGKILL);
    // The kernel closes the listening socket some time after the others: until then clients may
    // connect once more, to nobody.
    REQUIRE(all.wait_for_each([](auto& x) { return x.losses > x.losses_before; }));
    all.for_each([](auto& x) { x.echoes_before = x.echoes.size(); });
    server.start(name, port_name);
  }
  REQUIRE(all.wait_for_each(is_served));
  {
    std::lock_guard guard{all.mutex};
    all.quiet = true;
  }
  REQUIRE(all.wait_for_each([](auto& x) { return x.under_way == 0; }));
  // The living server answers all that it got.
  REQUIRE(all.wait_for_each([](auto& x) { return x.echoes.back() == x.sent.rbegin()->first; }));
  for (auto& connection : connections)
    connection.async_close();
  REQUIRE(all.wait_for_each([](auto& x) { return x.ends == 1; }));
  std::lock_guard guard{all.mutex};
  for (auto& x : all.accounts) {
    CHECK(x->sent.size() + x->failed.size() == static_cast<size_t>(x->written));
    for (auto* reports : {&x->sent, &x->failed})
      for (auto& [number, count] : *reports)
        REQUIRE(count == 1);
    for (auto& [number, count] : x->failed)
      REQUIRE(x->sent.count(number) == 0);
    // In order, none twice, and only what was reported sent.
    for (size_t index = 0; index < x->echoes.size(); ++index) {
      REQUIRE((index == 0 || x->echoes[index] > x->echoes[index - 1]));
      REQUIRE(x->sent.count(x->echoes[index]) == 1);
    }
  }
  CHECK(WIFEXITED(server.end_by(SIGTERM)));
  CHECK(unix_helpers::files_in(std::string{name, 0, name.rfind('/')}).empty());
}
