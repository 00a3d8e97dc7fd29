#pragma once

#include "codec/protocol_error.hpp"

#include <optional>
#include <string_view>

namespace pipehub::mqtt {

/// Reads the fields of a packet (1.5). The first fault is kept, and reads after it return zero or
/// nothing: check `error` at the end.
class byte_cursor {
public:
  byte_cursor(std::string_view bytes, version protocol) : rest_(bytes), protocol_(protocol) {}

  version protocol() const noexcept {
    return protocol_;
  }

  /// Returns the paragraph of the version that is read.
  const char* by_version(const char* in_311, const char* in_5) const noexcept {
    return protocol_ == version::v5 ? in_5 : in_311;
  }

  std::string_view rest() const noexcept {
    return rest_;
  }

  bool at_end() const noexcept {
    return rest_.empty();
  }

  const std::optional<protocol_error>& error() const noexcept {
    return error_;
  }

  bool ok() const noexcept {
    return !error_;
  }

  /// Keeps a fault, unless there is one already.
  void fail(const protocol_error& error) {
    if (!error_) {
      error_ = error;
      rest_ = {};
    }
  }

  void fail(reason code, const char* paragraph, const char* text) {
    fail(protocol_error{code, paragraph, text});
  }

  /// Fails if `holds` is false.
  void require(bool holds, reason code, const char* paragraph, const char* text) {
    if (!holds)
      fail(code, paragraph, text);
  }

  uint8_t byte();
  uint16_t two_bytes();
  uint32_t four_bytes();

  /// Variable byte integer (1.5.5).
  uint32_t varint();

  /// Two bytes of length, then so many bytes (1.5.6).
  std::string_view binary();

  /// As `binary`, but UTF-8 (1.5.3; 1.5.4 in 5.0).
  /// @param paragraph the statement that asks for a string here, or nullptr for the general one
  std::string_view text(const char* paragraph = nullptr);

  /// Takes so many bytes.
  std::string_view take(size_t size);

  /// Takes all that is left.
  std::string_view take_rest() {
    return take(rest_.size());
  }

  /// Fails if anything is left.
  void end(const char* paragraph);

private:
  std::string_view rest_;
  version protocol_;
  std::optional<protocol_error> error_;
};

} // namespace pipehub::mqtt
