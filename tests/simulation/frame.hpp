#pragma once

// What travels over the simulated pipes: frames that name their stream and place, so that whoever
// receives one knows whether it was lost, doubled, moved or changed.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace simulation {

struct frame {
  /// The stream that it belongs to.
  uint32_t stream = 0;
  /// Its place there.
  uint32_t number = 0;
  /// Of what follows the header, in bytes.
  uint32_t size = 0;
};

/// The length of a frame without a body.
constexpr size_t frame_header = 3 * sizeof(uint32_t);

/// Returns the bytes of a frame.
std::string bytes_of(const frame& f);

/// Finds the frames in what is received.
class frame_reader {
public:
  /// Takes what was received.
  /// @returns the frames that are complete now
  std::vector<frame> read(std::string_view bytes);

  /// Returns whether something was received that nobody wrote.
  bool failed() const noexcept {
    return failed_;
  }

  /// Returns whether a frame is incomplete.
  bool has_rest() const noexcept {
    return !rest_.empty();
  }

private:
  std::string rest_;
  bool failed_ = false;
};

} // namespace simulation
