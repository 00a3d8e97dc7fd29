#include "base/pattern.hpp"

namespace pipeactor::detail {

namespace {

bool continues_character(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// Returns the start of the character that follows the one at `at`.
size_t next_character(std::string_view text, size_t at) noexcept {
  ++at;
  while (at < text.size() && continues_character(text[at]))
    ++at;
  return at;
}

} // namespace

bool matches(std::string_view pattern, std::string_view name) noexcept {
  size_t p = 0;
  size_t n = 0;
  // The last star, and how far into the name it reaches so far: only that one has to be
  // tried again.
  auto star = pattern.npos;
  size_t reach = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      reach = n;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      n = next_character(name, n);
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != pattern.npos) {
      p = star + 1;
      n = reach = next_character(name, reach);
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

} // namespace pipeactor::detail
