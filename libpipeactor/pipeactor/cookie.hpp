#pragma once

#include "pipeactor/detail/caf_compat.hpp"

#include <utility>

namespace pipeactor {

/// A value of any type that CAF can send, empty by default. It travels from an
/// operation to that operation's own completion and never over the pipe.
class cookie {
public:
  cookie() noexcept = default;

  /// Wraps `value`.
  template <class T>
  static cookie of(T value) {
    return cookie{caf::make_message(std::move(value))};
  }

  bool empty() const noexcept {
    return value_.empty();
  }

  /// Returns the value, or nullptr where the cookie is empty or of another type.
  template <class T>
  const T* get_if() const {
    return value_.match_elements<T>() ? &value_.get_as<T>(0) : nullptr;
  }

  template <class Inspector>
  friend detail::inspect_result_t<Inspector> inspect(Inspector& f, cookie& x) {
    return detail::inspect_fields(f, "pipeactor::cookie", detail::field("value", x.value_));
  }

private:
  explicit cookie(caf::message value) : value_(std::move(value)) {}

  caf::message value_;
};

} // namespace pipeactor
