#include "contract/test_client.hpp"

#include "pipeactor/error.hpp"

#include <algorithm>
#include <thread>

namespace contract {

bool test_client::send(std::string_view bytes) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    size_t taken = 0;
    auto result = try_send(bytes, taken);
    if (result == send_result::closed)
      return false;
    bytes.remove_prefix(taken);
    if (result == send_result::sent && bytes.empty())
      return true;
    if (std::chrono::steady_clock::now() > deadline || !wait_writable(bytes.size(), patience))
      return false;
  }
}

std::vector<std::string> test_client::receive_many(size_t count) {
  std::vector<std::string> result;
  while (result.size() < count) {
    auto message = receive();
    if (!message)
      break;
    result.push_back(std::move(*message));
  }
  return result;
}

std::string test_client::receive_bytes(size_t size) {
  std::string result;
  while (result.size() < size) {
    auto piece = receive();
    if (!piece)
      break;
    result += *piece;
  }
  return result;
}

std::vector<std::string> test_client::receive_all() {
  std::vector<std::string> result;
  while (auto message = receive())
    result.push_back(std::move(*message));
  return result;
}

// -- over a simulated network -----------------------------------------------------------------

namespace {

class network_client final : public test_client {
public:
  network_client(simulated_client_ptr client) : client_(std::move(client)) {}

  send_result try_send(std::string_view bytes, size_t& taken) override {
    taken = 0;
    switch (client_->send(bytes)) {
    case simulated_send::sent:
      taken = bytes.size();
      return send_result::sent;
    case simulated_send::would_block:
      return send_result::would_block;
    default:
      return send_result::closed;
    }
  }

  bool wait_writable(size_t size, wait_time timeout) override {
    return client_->wait_writable(size, std::chrono::steady_clock::now() + timeout);
  }

  bool wait_readable(wait_time timeout) override {
    return client_->wait_readable(std::chrono::steady_clock::now() + timeout);
  }

  std::optional<std::string> receive(wait_time timeout) override {
    if (!wait_readable(timeout))
      return std::nullopt;
    return client_->receive();
  }

  bool at_end(wait_time timeout) override {
    return wait_readable(timeout) && client_->at_end();
  }

  bool was_reset() override {
    return client_->was_reset();
  }

  void shutdown_write() override {
    client_->shutdown_write();
  }

  void close() override {
    client_->close();
  }

  void abort() override {
    wait_readable(patience);
    client_->abort();
  }

private:
  simulated_client_ptr client_;
};

} // namespace

client_ptr connect_over_network(simulated_network& network, const std::string& pipe_name,
                                pipe_mode mode, peer_identity who) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto client = network.connect(pipe_name, mode, who);
    if (client)
      return std::make_shared<network_client>(std::move(*client));
    if (code_of(client.error()) != errc::pipe_busy || std::chrono::steady_clock::now() > deadline)
      return nullptr;
    // A full backlog: a real system would let connect(2) wait.
    std::this_thread::yield();
  }
}

} // namespace contract
