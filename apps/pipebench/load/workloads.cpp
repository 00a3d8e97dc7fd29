#include "workloads.hpp"

#include "measurement.hpp"
#include "sockets.hpp"

#include <algorithm>
#include <deque>

namespace pipebench {

namespace {

mover::config config_of(const load_options& options) {
  return {options.speaks, options.message_size, options.in_flight,
          options.poll || options.rate > 0};
}

// -- echo ---------------------------------------------------------------------------------------

class echo final : public mover::workload {
public:
  explicit echo(const load_options& options)
      : options_(options), mover_(config_of(options), endpoints_of(options)),
        active_(options.active > 0 ? std::min(options.active, options.connections)
                                   : options.connections),
        due_times_(options.connections), measurement_(options) {}

  nlohmann::json run() {
    auto now = now_ns();
    next_due_ = static_cast<double>(now);
    for (size_t n = 0; options_.rate == 0 && n < options_.in_flight; ++n)
      for (size_t i = 0; i < active_; ++i)
        ask(i, now);
    while (!over_)
      mover_.turn(*this);
    return measurement_.figures(mover_.seen_faults());
  }

  void received(size_t connection, uint64_t, uint64_t now) override {
    auto& due_times = due_times_[connection];
    mover_.settle(connection);
    if (due_times.empty()) // more answers than questions: the mover notices it by their numbers
      return;
    measurement_.count(now - due_times.front());
    due_times.pop_front();
    if (options_.rate == 0)
      ask(connection, now);
  }

  void turn(uint64_t now) override {
    over_ = measurement_.over(now);
    if (options_.rate == 0)
      return;
    for (; next_due_ <= static_cast<double>(now); next_due_ += 1e9 / options_.rate) {
      ask(next_connection_, static_cast<uint64_t>(next_due_));
      next_connection_ = (next_connection_ + 1) % active_;
    }
  }

private:
  static std::vector<endpoint> endpoints_of(const load_options& options) {
    return std::vector<endpoint>(options.connections, {options.path, role::echo_client});
  }

  void ask(size_t connection, uint64_t due) {
    due_times_[connection].push_back(due);
    mover_.owe(connection);
  }

  const load_options& options_;
  mover mover_;
  /// The number of connections that send: the first ones.
  size_t active_;
  /// For each connection: when the messages that have not come back were due.
  std::vector<std::deque<uint64_t>> due_times_;
  measurement measurement_;
  double next_due_ = 0;
  size_t next_connection_ = 0;
  bool over_ = false;
};

// -- broadcast ----------------------------------------------------------------------------------

class broadcast final : public mover::workload {
public:
  explicit broadcast(const load_options& options)
      : options_(options), mover_(config_of(options), endpoints_of(options)),
        sent_times_(options.in_flight), missing_(options.in_flight), measurement_(options) {}

  nlohmann::json run() {
    // Some servers drop messages for subscribers whose subscription they have not yet read.
    auto begin = now_ns();
    while (now_ns() - begin < 200'000'000)
      mover_.turn(*this);
    for (size_t n = 0; n < options_.in_flight; ++n)
      publish(now_ns());
    while (!over_)
      mover_.turn(*this);
    return measurement_.figures(mover_.seen_faults());
  }

  void received(size_t, uint64_t sequence, uint64_t now) override {
    auto slot = sequence % options_.in_flight;
    measurement_.count(now - sent_times_[slot]);
    if (missing_[slot] > 0 && --missing_[slot] == 0) {
      mover_.settle(0);
      publish(now);
    }
  }

  void turn(uint64_t now) override {
    over_ = measurement_.over(now);
  }

private:
  /// Returns the publisher first.
  static std::vector<endpoint> endpoints_of(const load_options& options) {
    std::vector<endpoint> result(options.connections, {options.path, role::subscriber});
    if (!options.publisher_path.empty())
      result.insert(result.begin(), {options.publisher_path, role::publisher});
    return result;
  }

  void publish(uint64_t now) {
    auto slot = published_++ % options_.in_flight;
    sent_times_[slot] = now;
    missing_[slot] = options_.connections;
    mover_.owe(0);
  }

  const load_options& options_;
  mover mover_;
  uint64_t published_ = 0;
  /// For each message in flight: when it was sent, and how many connections still miss it.
  std::vector<uint64_t> sent_times_;
  std::vector<size_t> missing_;
  measurement measurement_;
  bool over_ = false;
};

// -- connecting and idle ------------------------------------------------------------------------

/// A client that connects and sends by blocking calls: for works that do not measure messages.
class blocking_client {
public:
  explicit blocking_client(const load_options& options)
      : socket_(connect_to(options.path, is_stream(options.speaks))) {
    shake_hands(socket_.get(), options.speaks, role::echo_client);
  }

  void send(const std::string& frame) {
    send_all(socket_.get(), frame);
  }

  /// Receives an answer that is as long as what was sent.
  void receive_answer(const std::string& frame) {
    receive_exactly(socket_.get(), frame.size());
  }

private:
  descriptor socket_;
};

std::string frame_of(const load_options& options) {
  return prefix_of(options.speaks, role::echo_client, options.message_size)
         + std::string(options.message_size, 'x');
}

} // namespace

nlohmann::json run_echo(const load_options& options) {
  return echo{options}.run();
}

nlohmann::json run_broadcast(const load_options& options) {
  return broadcast{options}.run();
}

nlohmann::json run_connecting(const load_options& options) {
  measurement measured{options};
  auto frame = frame_of(options);
  for (uint64_t begin = now_ns(); !measured.over(begin); begin = now_ns()) {
    std::vector<blocking_client> clients;
    for (size_t i = 0; i < options.connections; ++i)
      clients.emplace_back(options).send(frame);
    for (auto& client : clients) {
      client.receive_answer(frame);
      measured.count(now_ns() - begin);
    }
  }
  return measured.figures({});
}

nlohmann::json run_idle(const load_options& options) {
  auto before = usage_of(options.server).anonymous_bytes;
  std::vector<blocking_client> clients;
  for (size_t i = 0; i < options.connections; ++i)
    clients.emplace_back(options);
  // When the last client has its answer, the server knows all of them.
  auto frame = frame_of(options);
  clients.back().send(frame);
  clients.back().receive_answer(frame);
  auto after = usage_of(options.server).anonymous_bytes;
  auto grown = after > before ? after - before : 0;
  return {{"connections", options.connections},
          {"server_bytes", after},
          {"server_bytes_per_connection",
           static_cast<double>(grown) / static_cast<double>(options.connections)},
          {"faulty", false}};
}

} // namespace pipebench
