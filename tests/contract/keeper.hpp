#pragma once

#include "contract/recording.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace contract {

/// Keeps the payloads that a handler receives, until it is released.
class keeper {
public:
  script todo() const {
    script result;
    result.received = [state = state_](const named_pipe_connection&, const cookie&,
                                       const payload& data) {
      std::lock_guard guard{state->mutex};
      if (!state->released)
        state->kept.push_back(data);
    };
    return result;
  }

  void release() {
    std::vector<payload> dropped;
    std::lock_guard guard{state_->mutex};
    state_->released = true;
    dropped.swap(state_->kept);
  }

private:
  struct state {
    std::mutex mutex;
    std::vector<payload> kept;
    bool released = false;
  };

  // The handlers may outlive the case.
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

} // namespace contract
