#include "pipeactor/port/simulated_state.hpp"

#include "pipeactor/error.hpp"
#include "pipeactor/detail/pattern.hpp"

#include <cassert>

namespace pipeactor::port {

// -- connections ------------------------------------------------------------------------------

void simulated_link::channel::push(pipe_mode mode, std::string_view data) {
  assert(!ended && !reader_gone);
  bytes += data.size();
  if (mode == pipe_mode::message)
    pieces.emplace_back(data);
  else if (!data.empty() && pieces.empty())
    pieces.emplace_back(data);
  else if (!data.empty())
    pieces.back() += data;
}

/// Takes a message, or in byte mode up to `limit` bytes.
std::string simulated_link::channel::pop(pipe_mode mode, size_t limit) {
  assert(!pieces.empty());
  auto& front = pieces.front();
  std::string result;
  if (mode == pipe_mode::message || front.size() <= limit) {
    result = std::move(front);
    pieces.pop_front();
  } else {
    result = front.substr(0, limit);
    front.erase(0, limit);
  }
  bytes -= result.size();
  return result;
}

void simulated_link::channel::clear() {
  pieces.clear();
  bytes = 0;
}

// -- the network ------------------------------------------------------------------------------

caf::expected<simulated_end> simulated_state::connect(const std::string& name, pipe_mode mode,
                                                      peer_identity who) {
  if (name.empty())
    return make_error(errc::missing_pipe_name);
  std::lock_guard guard{mutex};
  auto found = names.find(name);
  if (found == names.end())
    return make_error(errc::no_such_pipe, "no server listens on " + name);
  auto& listener = *found->second;
  if (listener.request.mode != mode)
    return make_error(errc::not_a_pipe,
                      name + " is a pipe in " + to_string(listener.request.mode) + " mode");
  if (listener.backlog.size() >= std::max<size_t>(listener.request.backlog, 1))
    return make_error(errc::pipe_busy);
  auto link = std::make_shared<simulated_link>();
  link->mode = mode;
  link->who[0] = std::move(who);
  link->who[1] = servers;
  listener.backlog.push_back({link, 1});
  changed.notify_all();
  return simulated_end{link, 0};
}

std::vector<std::string> simulated_state::find(const std::string& pattern) const {
  std::vector<std::string> result;
  std::lock_guard guard{mutex};
  for (auto& [name, listener] : names)
    if (name.front() != '/' && pipeactor::detail::matches(pattern, name))
      result.push_back(name);
  return result;
}

namespace {

simulated_options with_seed(uint64_t seed) {
  simulated_options result;
  result.seed = seed;
  return result;
}

} // namespace

simulated_network::simulated_network(uint64_t seed) : simulated_network(with_seed(seed)) {}

simulated_network::simulated_network(const simulated_options& options)
    : state_(std::make_shared<simulated_state>(options)) {}

caf::expected<simulated_client_ptr> simulated_network::connect(const std::string& pipe_name,
                                                               pipe_mode mode, peer_identity who) {
  auto end = state_->connect(pipe_name, mode, std::move(who));
  if (!end)
    return std::move(end.error());
  return std::make_shared<simulated_client>(state_,
                                            std::make_unique<simulated_end>(std::move(*end)));
}

void simulated_network::identify_servers(peer_identity who) {
  std::lock_guard guard{state_->mutex};
  state_->servers = std::move(who);
}

time_point simulated_network::now() const {
  return state_->now();
}

void simulated_network::advance(clock::duration by) {
  assert(state_->options.clock == simulated_clock::virtual_time);
  assert(by >= clock::duration::zero());
  std::lock_guard guard{state_->mutex};
  state_->virtual_now += by;
}

// -- test clients -----------------------------------------------------------------------------

simulated_client::simulated_client(std::shared_ptr<simulated_state> state,
                                   std::unique_ptr<simulated_end> end)
    : state_(std::move(state)), end_(std::move(end)) {}

simulated_client::~simulated_client() {
  leave(false);
}

simulated_send simulated_client::send(std::string_view bytes) {
  std::lock_guard guard{state_->mutex};
  auto& to = end_->out();
  if (to.ended || to.reader_gone)
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

bool simulated_client::wait_readable(time_point deadline) const {
  std::unique_lock guard{state_->mutex};
  auto& from = end_->in();
  return state_->changed.wait_until(guard, deadline,
                                    [&from] { return !from.empty() || from.ended; });
}

bool simulated_client::wait_writable(size_t size, time_point deadline) const {
  std::unique_lock guard{state_->mutex};
  auto& to = end_->out();
  return state_->changed.wait_until(guard, deadline,
                                    [&] { return to.ended || to.reader_gone || can_send(size); });
}

bool simulated_client::can_send(size_t size) const {
  auto room = state_->room(*end_, size);
  return end_->out().empty() || (room && *room >= size);
}

bool simulated_client::at_end() const {
  std::lock_guard guard{state_->mutex};
  return end_->in().ended && end_->in().empty();
}

bool simulated_client::was_reset() const {
  std::lock_guard guard{state_->mutex};
  return end_->in().reset;
}

void simulated_client::shutdown_write() {
  std::lock_guard guard{state_->mutex};
  end_->out().ended = true;
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

} // namespace pipeactor::port
