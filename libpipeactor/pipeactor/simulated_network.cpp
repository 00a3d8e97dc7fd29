#include "pipeactor/simulated_network.hpp"

#include "pipeactor/error.hpp"
#include "port/simulated/simulated_port.hpp"
#include "port/simulated/simulated_state.hpp"

#include <cassert>

namespace pipeactor {

namespace {

simulated_options with_seed(uint64_t seed) {
  simulated_options result;
  result.seed = seed;
  return result;
}

} // namespace

simulated_network::simulated_network(uint64_t seed) : simulated_network(with_seed(seed)) {}

simulated_network::simulated_network(const simulated_options& options)
    : state_(std::make_shared<port::simulated_state>(options)) {}

caf::expected<simulated_client_ptr> simulated_network::connect(const std::string& pipe_name,
                                                               pipe_mode mode, peer_identity who) {
  auto end = state_->connect(pipe_name, mode, std::move(who));
  if (!end)
    return std::move(end.error());
  return simulated_client_ptr{
    new simulated_client(state_, std::make_unique<port::simulated_end>(std::move(*end)))};
}

void simulated_network::identify_servers(peer_identity who) {
  std::lock_guard guard{state_->mutex};
  state_->servers = std::move(who);
}

void simulated_network::set_faults(const simulated_faults& faults) {
  std::lock_guard guard{state_->mutex};
  state_->faults = faults;
}

std::chrono::steady_clock::time_point simulated_network::now() const {
  return state_->now();
}

void simulated_network::advance(std::chrono::steady_clock::duration by) {
  assert(state_->options.clock == simulated_clock::virtual_time);
  assert(by >= std::chrono::steady_clock::duration::zero());
  std::lock_guard guard{state_->mutex};
  state_->virtual_now += by;
}

// -- test clients -----------------------------------------------------------------------------

simulated_client::simulated_client(std::shared_ptr<port::simulated_state> state,
                                   std::unique_ptr<port::simulated_end> end)
    : state_(std::move(state)), end_(std::move(end)) {}

simulated_client::~simulated_client() {
  leave(false);
}

simulated_send simulated_client::send(std::string_view bytes) {
  std::lock_guard guard{state_->mutex};
  auto& to = end_->out();
  if (to.writer_ended() || to.reader_gone())
    return simulated_send::closed;
  if (end_->link->mode == pipe_mode::message && bytes.size() > state_->options.largest_message)
    return simulated_send::too_large;
  if (!can_send(bytes.size()))
    return simulated_send::would_block;
  to.push(end_->link->mode, bytes);
  state_->changed.notify_all();
  return simulated_send::sent;
}

std::optional<std::string> simulated_client::receive() {
  std::lock_guard guard{state_->mutex};
  if (end_->in().empty())
    return std::nullopt;
  state_->changed.notify_all();
  return end_->in().pop(end_->link->mode, SIZE_MAX);
}

bool simulated_client::wait_readable(std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock guard{state_->mutex};
  auto& from = end_->in();
  return state_->changed.wait_until(guard, deadline,
                                    [&from] { return !from.empty() || from.writer_ended(); });
}

bool simulated_client::wait_writable(size_t size,
                                     std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock guard{state_->mutex};
  auto& to = end_->out();
  return state_->changed.wait_until(guard, deadline, [&] {
    return to.writer_ended() || to.reader_gone() || can_send(size);
  });
}

bool simulated_client::can_send(size_t size) const {
  auto room = state_->room(*end_, size);
  return end_->out().empty() || (room && *room >= size);
}

bool simulated_client::at_end() const {
  std::lock_guard guard{state_->mutex};
  return end_->in().writer_ended() && end_->in().empty();
}

bool simulated_client::was_reset() const {
  std::lock_guard guard{state_->mutex};
  return end_->in().was_reset();
}

void simulated_client::shutdown_write() {
  std::lock_guard guard{state_->mutex};
  end_->out().end_writing();
  state_->changed.notify_all();
}

void simulated_client::close() {
  leave(false);
}

void simulated_client::abort() {
  leave(true);
}

void simulated_client::leave(bool reset) {
  std::lock_guard guard{state_->mutex};
  end_->close(reset);
  state_->changed.notify_all();
}

// -- ports ------------------------------------------------------------------------------------

port_factory simulated_ports(std::shared_ptr<simulated_network> network) {
  return [network = std::move(network)]() -> caf::expected<std::unique_ptr<port::completion_port>> {
    return std::unique_ptr<port::completion_port>{
      std::make_unique<port::simulated_port>(network->state_)};
  };
}

} // namespace pipeactor
