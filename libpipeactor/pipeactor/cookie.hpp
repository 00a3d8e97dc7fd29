#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/type_ids.hpp"

#include <optional>
#include <string>
#include <utility>

namespace pipeactor {

/// A value of any type that CAF can send, empty by default. It travels from an
/// operation to that operation's own completion and never over the pipe.
///
/// Between nodes only bytes travel, `cookie::of(payload)`: a type that the pipe's node does
/// not know would arrive empty, so no other is let through.
class PIPEACTOR_EXPORT cookie {
public:
  cookie() noexcept = default;

  /// Wraps `value`.
  template <class T>
  static cookie of(T value) {
    return cookie{caf::make_message(std::move(value))};
  }

  bool empty() const noexcept {
    return !value_;
  }

  /// Returns the value, or nullptr where the cookie is empty or of another type.
  template <class T>
  const T* get_if() const {
    return value_ && value_->match_elements<T>() ? &value_->get_as<T>(0) : nullptr;
  }

  /// Returns `errc::cookie_not_portable` for one that cannot travel to another node.
  caf::error check_portable() const;

  /// Returns `errc::cookie_not_portable` for one that came from another node and lost its
  /// value on the way.
  caf::error check_arrival() const;

  /// Returns the value as CAF shows it.
  friend PIPEACTOR_EXPORT std::string to_string(const cookie& x);

  template <class Inspector>
  friend detail::inspect_result_t<Inspector> inspect(Inspector& f, cookie& x) {
    auto parcel = x.pack();
    return detail::inspect_via(f, "pipeactor::cookie", parcel,
                               [&x](const payload& loaded) { x = unpack(loaded); });
  }

private:
  explicit cookie(caf::message value) : value_(std::move(value)) {}

  /// What is sent to another node: a byte that tells the kind, then the bytes.
  payload pack() const;
  static cookie unpack(const payload& parcel);

  // Most cookies are empty, and CAF copies and destroys an empty message by a call.
  std::optional<caf::message> value_;
};

} // namespace pipeactor
