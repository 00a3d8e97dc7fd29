#pragma once

#include "pipeactor/peer_identity.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace pipeactor::detail {

/// Counts the connections that each user has at one server (server_options::connections_per_user).
/// Users whom the system does not identify count as one. Any thread.
class user_quota : public std::enable_shared_from_this<user_quota> {
  using counts = std::map<std::string, size_t>;

public:
  /// The right to one connection. Its destructor gives it back, on any thread, even after the
  /// server's end.
  class ticket {
  public:
    ticket() noexcept = default;

    ticket(ticket&& other) noexcept {
      *this = std::move(other);
    }

    ticket& operator=(ticket&& other) noexcept {
      std::swap(quota_, other.quota_);
      std::swap(user_, other.user_);
      return *this;
    }

    ~ticket() {
      if (quota_ != nullptr)
        quota_->give_back(user_);
    }

  private:
    friend class user_quota;

    ticket(std::shared_ptr<user_quota> quota, counts::iterator user)
        : quota_(std::move(quota)), user_(user) {}

    std::shared_ptr<user_quota> quota_;
    counts::iterator user_{};
  };

  /// @param most connections of one user, at least 1
  explicit user_quota(size_t most) : most_(most) {}

  /// Returns a ticket for one more connection, or nothing if the user has as many as it may.
  std::optional<ticket> take(const peer_identity& user);

private:
  void give_back(counts::iterator user) noexcept;

  const size_t most_;
  std::mutex mutex_;
  counts counts_;
};

} // namespace pipeactor::detail
