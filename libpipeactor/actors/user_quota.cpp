#include "actors/user_quota.hpp"

namespace pipeactor::detail {

std::optional<user_quota::ticket> user_quota::take(const peer_identity& user) {
  auto name = user.sid.empty() ? std::to_string(user.uid) : user.sid;
  auto self = shared_from_this();
  std::lock_guard guard{mutex_};
  auto found = counts_.try_emplace(std::move(name), 0).first;
  if (found->second == most_)
    return std::nullopt;
  ++found->second;
  return ticket{std::move(self), found};
}

void user_quota::give_back(counts::iterator user) noexcept {
  std::lock_guard guard{mutex_};
  if (--user->second == 0)
    counts_.erase(user);
}

} // namespace pipeactor::detail
