#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/type_ids.hpp"

#include <optional>
#include <string>
#include <utility>

namespace pipeactor {

/// A value of any type that CAF can send, empty by default. An operation's cookie comes back with
/// the event that completes the operation. It never travels over the pipe.
///
/// For a connection of another node it must be empty or bytes, `cookie::of(payload)`: the pipe's
/// node may not know any other type.
class PIPEACTOR_EXPORT cookie {
public:
  cookie() noexcept = default;

  /// Returns a cookie that holds `value`.
  template <class T>
  static cookie of(T value) {
    return cookie{caf::make_message(std::move(value))};
  }

  bool empty() const noexcept {
    return !value_;
  }

  /// Returns the value, or nullptr if the cookie is empty or holds another type. Valid as long as
  /// the cookie.
  template <class T>
  const T* get_if() const {
    return value_ ? detail::sole_element<T>(*value_) : nullptr;
  }

  /// Returns `errc::cookie_not_portable` if the value cannot travel to another node.
  caf::error check_portable() const;

  /// Returns `errc::cookie_not_portable` if the cookie came from another node and lost its value on
  /// the way.
  caf::error check_arrival() const;

  /// Returns the value as CAF prints it.
  friend PIPEACTOR_EXPORT std::string to_string(const cookie& x);

  template <class Inspector>
  friend detail::inspect_result_t<Inspector> inspect(Inspector& f, cookie& x) {
    auto parcel = x.pack();
    return detail::inspect_via(f, "pipeactor::cookie", parcel,
                               [&x](const payload& loaded) { x = unpack(loaded); });
  }

private:
  explicit cookie(caf::message value) : value_(std::move(value)) {}

  /// Returns what is sent to another node: a byte for the kind of value, then its bytes.
  payload pack() const;
  static cookie unpack(const payload& parcel);

  // Optional, for most cookies are empty, and CAF copies and destroys even an empty message by a
  // call.
  std::optional<caf::message> value_;
};

} // namespace pipeactor
