#include "actors/dialer.hpp"

#include "base/errors.hpp"
#include "base/marks.hpp"
#include "bridge/timer_queue.hpp"

#include <algorithm>

namespace pipeactor::detail {

bool is_temporary(errc code) noexcept {
  switch (code) {
  case errc::closed_by_peer:
  case errc::peer_reset:
  case errc::no_such_pipe:
  case errc::pipe_busy:
  case errc::out_of_resources:
  case errc::os_error:
    return true;
  default:
    return false;
  }
}

dialer::dialer(std::string pipe_name, caf::timespan timeout,
               std::optional<reconnect_options> reconnect, port::resolved_access trusted)
    : pipe_name_(std::move(pipe_name)), timeout_(timeout), reconnect_(reconnect),
      trusted_(std::move(trusted)) {
  if (reconnect_) {
    delay_ = reconnect_->initial_delay;
    random_.seed(std::random_device{}());
  }
}

caf::expected<port::raw_pipe_ptr> dialer::dial(port::completion_port& port, pipe_mode mode) {
  auto raw = port.connect(pipe_name_, mode);
  if (!raw)
    return raw;
  auto server = (*raw)->peer();
  if (!trusted_.admits(server))
    return errors::server_not_trusted(pipe_name_, to_string(server));
  return raw;
}

std::optional<dialer::time_point> dialer::ask_again(time_point now) {
  if (!deadline_) {
    deadline_ = later(now, timeout_);
    backoff_ = defaults::connect_backoff;
  }
  if (now >= *deadline_) {
    pass(mark::busy_server_given_up);
    return std::nullopt;
  }
  pass(mark::busy_server_asked_again);
  auto result = std::min(now + backoff_, *deadline_);
  backoff_ = std::min<port::clock::duration>(backoff_ * 2, defaults::connect_backoff_limit);
  return result;
}

void dialer::connected() noexcept {
  attempts_ = 0;
  if (reconnect_)
    delay_ = reconnect_->initial_delay;
}

std::optional<caf::timespan> dialer::next_attempt(const caf::error& reason) {
  deadline_.reset();
  if (!reconnect_ || !is_temporary(code_of(reason))
      || (reconnect_->max_attempts != 0 && attempts_ >= reconnect_->max_attempts)) {
    pass(mark::reconnect_given_up);
    return std::nullopt;
  }
  pass(mark::reconnect_planned);
  ++attempts_;
  std::uniform_real_distribution<double> share{0, reconnect_->jitter};
  auto result = std::chrono::duration_cast<caf::timespan>(delay_ * (1 - share(random_)));
  delay_ = std::min(delay_ * 2, reconnect_->max_delay);
  return result;
}

} // namespace pipeactor::detail
