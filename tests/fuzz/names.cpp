// Texts that users write: pipe names, patterns and access.

#include "pipeactor/pipe_access.hpp"
#include "base/pattern.hpp"
#include "port/linux/pipe_name.hpp"
#include "fuzz.hpp"

#include <string>
#include <string_view>
#include <vector>

using namespace pipeactor;

namespace {

std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> result;
  while (!text.empty()) {
    size_t size = 1;
    while (size < text.size() && (static_cast<uint8_t>(text[size]) & 0xC0) == 0x80)
      ++size;
    result.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return result;
}

/// Plain: the ends of the name that each part of the pattern can reach.
bool matches(std::string_view pattern, std::string_view name) {
  auto characters = characters_of(name);
  std::vector<bool> reached(characters.size() + 1);
  reached[0] = true;
  for (auto part : characters_of(pattern)) {
    std::vector<bool> next(reached.size());
    for (size_t i = 0; i < reached.size(); ++i) {
      if (part == "*")
        next[i] = reached[i] || (i > 0 && next[i - 1]);
      else
        next[i] = i > 0 && reached[i - 1] && (part == "?" || part == characters[i - 1]);
    }
    reached = next;
  }
  return reached.back();
}

/// Returns text of few letters, so that many names match: of one to three bytes, and wildcards.
std::string letters(fuzz::input& in, size_t count) {
  static constexpr std::string_view all[] = {"a", "b", "*", "?", "\u00e9", "\u20ac"};
  std::string result;
  for (auto letter : in.text(count))
    result += all[static_cast<uint8_t>(letter) % std::size(all)];
  return result;
}

void check_name(const std::string& name) {
  auto path = port::pipe_path(name);
  if (!path)
    return;
  fuzz::require(path->size() <= 107 && path->front() == '/', "a path fits a socket address");
  fuzz::require(path->find('\0') == std::string::npos, "a path has no NUL");
  if (name.front() == '/') {
    fuzz::require(*path == name, "an absolute path stands for itself");
  } else {
    fuzz::require(port::is_leaf_name(name), "a name that has a place is a leaf name");
    auto slash = path->rfind('/');
    fuzz::require(path->substr(slash + 1) == name
                    && path->substr(0, slash) == port::pipe_directory(),
                  "a leaf name lies in the user's directory");
  }
}

void check_access(const std::string& text) {
  auto access = pipe_access::parse(text);
  if (!access)
    return;
  auto again = pipe_access::parse(to_string(*access));
  fuzz::require(again && *again == *access, "access is the same after writing and reading");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::input in{data, size};
  switch (in.byte() % 3) {
  case 0:
    check_name(std::string{in.rest()});
    break;
  case 1:
    check_access(std::string{in.rest()});
    break;
  default: {
    auto pattern = letters(in, in.byte() % 12);
    auto name = letters(in, 24);
    fuzz::require(detail::matches(pattern, name) == matches(pattern, name),
                  "a pattern matches what it should");
  }
  }
  return 0;
}
