// pipebench-writers: many actors on CAF's scheduler write to one connection, which lives on a
// bridge. Another process reads, and checks the order of each writer's messages. Prints figures
// as JSON.

#include <pipeactor/all.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

using namespace pipeactor;

namespace {

/// Messages that a writer writes before it waits for the answer to the last of them.
constexpr uint32_t batch = 16;

struct options {
  std::string path;
  uint32_t writers = 1;
  size_t size = 64;
  double seconds = 0.5;
  double warm_up = 0.2;
  int reader_cpu = -1;
};

struct message_head {
  uint32_t writer;
  uint32_t number;
};

std::atomic<uint64_t> messages_sent{0};

class counting_session : public session {
  void message_sent(const pipeactor::cookie&) override {
    messages_sent.fetch_add(1, std::memory_order_relaxed);
  }
};

payload message_of(uint32_t writer, uint32_t number, size_t size) {
  std::vector<std::byte> bytes(size);
  message_head head{writer, number};
  std::memcpy(bytes.data(), &head, sizeof(head));
  return payload{std::move(bytes)};
}

caf::behavior writer(caf::stateful_actor<uint32_t>* self, const named_pipe_connection& to,
                     uint32_t number, size_t size) {
  self->send(self, caf::unit);
  return {[=](caf::unit_t) {
    for (uint32_t i = 1; i < batch; ++i)
      to.async_write(message_of(number, self->state++, size));
    self
      ->request(to.actor(), caf::infinite, async_write{message_of(number, self->state++, size), {}})
      .then([=] { self->send(self, caf::unit); }, [=](const caf::error&) { self->quit(); });
  }};
}

/// Reads until the server closes. Returns the exit code of the reader's process: 1 if reading
/// failed, 2 if a message was damaged or out of order.
int read_all(const options& what) {
  if (what.reader_cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(what.reader_cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
  }
  auto fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  what.path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  while (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    if (errno != ENOENT && errno != ECONNREFUSED)
      return 1;
    usleep(1000);
  }
  constexpr size_t most = 64;
  std::array<mmsghdr, most> headers{};
  std::array<iovec, most> pieces{};
  std::vector<char> bytes(most * what.size);
  for (size_t i = 0; i < most; ++i) {
    pieces[i] = {&bytes[i * what.size], what.size};
    headers[i].msg_hdr.msg_iov = &pieces[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  std::vector<uint32_t> expected(what.writers, 0);
  for (;;) {
    auto count = recvmmsg(fd, headers.data(), most, MSG_WAITFORONE, nullptr);
    if (count < 0)
      return 1;
    for (int i = 0; i < count; ++i) {
      if (headers[i].msg_len == 0)
        return 0;
      message_head head{};
      std::memcpy(&head, pieces[i].iov_base, sizeof(head));
      if (headers[i].msg_len != what.size || head.writer >= what.writers
          || head.number != expected[head.writer]++)
        return 2;
    }
  }
}

struct usage {
  uint64_t messages;
  double cpu_seconds;
  uint64_t waits;

  static usage now() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    auto seconds = [](const timeval& x) { return double(x.tv_sec) + double(x.tv_usec) / 1e6; };
    return {messages_sent.load(), seconds(used.ru_utime) + seconds(used.ru_stime),
            static_cast<uint64_t>(used.ru_nvcsw)};
  }
};

nlohmann::json measure(const options& what) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  context context{system};
  server_options server_options;
  server_options.pipe_name = what.path;
  auto server = context.spawn_server<counting_session>(server_options);
  if (auto ready = server.start(); !ready)
    throw std::runtime_error(describe(ready.error()));
  auto connections = server.connections();
  while (connections && connections->empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
    connections = server.connections();
  }
  if (!connections)
    throw std::runtime_error(describe(connections.error()));
  for (uint32_t number = 0; number < what.writers; ++number)
    system.spawn(writer, connections->front(), number, what.size);
  std::this_thread::sleep_for(std::chrono::duration<double>{what.warm_up});
  auto before = usage::now();
  auto begin = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>{what.seconds});
  auto after = usage::now();
  std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  server.stop();
  auto messages = static_cast<double>(after.messages - before.messages);
  return {{"messages", after.messages - before.messages},
          {"messages_per_second", messages / passed.count()},
          {"server_cpu_us_per_message", 1e6 * (after.cpu_seconds - before.cpu_seconds) / messages},
          {"waits_per_message", static_cast<double>(after.waits - before.waits) / messages}};
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Writes to one connection from many actors, and prints figures as JSON."};
  options what;
  app.add_option("PATH", what.path, "The socket to listen on.")->required();
  app.add_option("--writers", what.writers, "Actors that write, 1 to 1000 (default 1).")
    ->check(CLI::Range(1u, 1000u));
  app.add_option("--size", what.size, "Bytes of a message, at least 8 (default 64).")
    ->check(CLI::Range(sizeof(message_head), size_t{64} << 10));
  app.add_option("--seconds", what.seconds, "Seconds to measure (default 0.5).");
  app.add_option("--warm-up", what.warm_up, "Seconds to run before measuring (default 0.2).");
  app.add_option("--reader-cpu", what.reader_cpu,
                 "Processor of the process that reads (default: any).");
  CLI11_PARSE(app, argc, argv);
  auto reader = fork();
  if (reader == 0)
    _exit(read_all(what));
  try {
    auto figures = measure(what);
    int status = 0;
    waitpid(reader, &status, 0);
    figures["faulty"] = status != 0;
    std::cout << figures.dump() << std::endl;
    return status == 0 ? 0 : 1;
  } catch (const std::exception& err) {
    std::cerr << "pipebench-writers: " << err.what() << '\n';
    kill(reader, SIGKILL);
    return 1;
  }
}
