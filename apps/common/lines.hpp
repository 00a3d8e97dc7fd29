#pragma once

#include <string>
#include <string_view>

/// Cuts chunks of input into lines.
class line_cutter {
public:
  /// Calls `f` with each line that ends in `chunk`, without its line feed.
  template <class F>
  void feed(std::string_view chunk, F f) {
    for (auto end = chunk.find('\n'); end != chunk.npos; end = chunk.find('\n')) {
      if (rest_.empty()) {
        f(chunk.substr(0, end));
      } else {
        rest_.append(chunk, 0, end);
        f(std::string_view{rest_});
        rest_.clear();
      }
      chunk.remove_prefix(end + 1);
    }
    rest_.append(chunk);
  }

  /// Calls `f` with the last line if the input did not end with a line feed.
  template <class F>
  void finish(F f) {
    if (!rest_.empty())
      f(std::string_view{rest_});
    rest_.clear();
  }

private:
  std::string rest_;
};
