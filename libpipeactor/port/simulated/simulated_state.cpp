#include "port/simulated/simulated_state.hpp"

#include "base/errors.hpp"
#include "base/pattern.hpp"

#include <algorithm>
#include <cassert>

namespace pipeactor::port {

namespace {

/// Not zero: a time point that nobody set lies in the past.
constexpr time_point start_of_time{std::chrono::hours{1}};

} // namespace

// -- the network ------------------------------------------------------------------------------

simulated_state::simulated_state(const simulated_options& options)
    : options(options), virtual_now(start_of_time), faults(options.faults),
      servers(this_process()) {}

time_point simulated_state::now() const {
  std::lock_guard guard{mutex};
  return now_locked();
}

caf::expected<simulated_end> simulated_state::connect(const std::string& name, pipe_mode mode,
                                                      peer_identity who) {
  if (name.empty())
    return make_error(errc::missing_pipe_name);
  std::lock_guard guard{mutex};
  auto found = names.find(name);
  if (found == names.end())
    return errors::failed(errc::no_such_pipe, "cannot connect to " + name);
  auto& backlog = *found->second;
  if (backlog.mode != mode)
    return errors::other_pipe_mode(name);
  if (backlog.waiting.size() >= backlog.limit)
    return errors::failed(errc::pipe_busy, "cannot connect to " + name);
  auto link = std::make_shared<simulated_link>();
  link->mode = mode;
  link->who = {std::move(who), servers};
  backlog.waiting.push_back({link, 1});
  changed.notify_all();
  return simulated_end{link, 0};
}

std::vector<std::string> simulated_state::find(const std::string& pattern) const {
  std::vector<std::string> result;
  std::lock_guard guard{mutex};
  for (auto& [name, backlog] : names)
    if (name.front() != '/' && pipeactor::detail::matches(pattern, name))
      result.push_back(name);
  return result;
}

time_point simulated_state::now_locked() const {
  return options.clock == simulated_clock::real_time ? clock::now() : virtual_now;
}

bool simulated_state::any_port_ready() const {
  return std::any_of(ports.begin(), ports.end(), [](auto* port) { return port->ready(); });
}

std::optional<size_t> simulated_state::room(const simulated_end& end, size_t size) const {
  auto& to = end.out();
  auto capacity = options.pipe_capacity_bytes;
  if (end.link->mode == pipe_mode::byte) {
    if (to.bytes() >= capacity)
      return std::nullopt;
    return std::min(size, capacity - to.bytes());
  }
  auto fits = to.messages() < options.pipe_capacity_messages && to.bytes() + size <= capacity;
  if (!to.empty() && !fits)
    return std::nullopt;
  return size;
}

// -- what was not adopted yet -----------------------------------------------------------------

simulated_pipe::simulated_pipe(std::shared_ptr<simulated_state> state, simulated_end end)
    : state_(std::move(state)), end_(std::move(end)) {}

simulated_pipe::~simulated_pipe() {
  if (end_.link == nullptr)
    return;
  std::lock_guard guard{state_->mutex};
  end_.close(!end_.in().empty());
  state_->changed.notify_all();
}

peer_identity simulated_pipe::peer() const {
  return end_.peer();
}

simulated_end simulated_pipe::release([[maybe_unused]] const simulated_state& state) {
  assert(&state == state_.get() && "a pipe of another network");
  return std::move(end_);
}

} // namespace pipeactor::port
