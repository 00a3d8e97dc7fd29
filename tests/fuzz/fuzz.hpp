#pragma once

// What fuzz targets have in common. libFuzzer (clang) calls a target with inputs of its own making,
// and looks for those that reach new code; a target that aborts, leaks or reads a wrong byte has
// failed. See docs/testing.md.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace fuzz {

/// Ends the target as failed, unless `holds`.
inline void require(bool holds, const char* text) {
  if (holds)
    return;
  std::fprintf(stderr, "required: %s\n", text);
  std::abort();
}

/// The bytes of an input, taken from its front.
class input {
public:
  input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const {
    return rest_.empty();
  }

  /// Returns the next byte, 0 at the end.
  uint8_t byte() {
    auto result = text(1);
    return result.empty() ? uint8_t{0} : static_cast<uint8_t>(result.front());
  }

  /// Returns the next `size` bytes, fewer at the end.
  std::string_view text(size_t size) {
    auto result = rest_.substr(0, size);
    rest_.remove_prefix(result.size());
    return result;
  }

  /// Returns a text with a byte for its length before it.
  std::string_view short_text() {
    return text(byte());
  }

  std::string_view rest() {
    return text(rest_.size());
  }

private:
  std::string_view rest_;
};

} // namespace fuzz
