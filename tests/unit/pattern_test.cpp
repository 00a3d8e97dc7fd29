#include "base/pattern.hpp"

#include <catch2/catch.hpp>

#include <string>

using pipeactor::detail::matches;

TEST_CASE("a pattern without wildcards matches itself only") {
  CHECK(matches("log", "log"));
  CHECK_FALSE(matches("log", "logs"));
  CHECK_FALSE(matches("log", "lo"));
  CHECK_FALSE(matches("log", "LOG"));
  CHECK_FALSE(matches("[l]og", "log"));
  CHECK(matches("", ""));
  CHECK_FALSE(matches("", "x"));
}

TEST_CASE("a star matches any number of characters") {
  CHECK(matches("*", ""));
  CHECK(matches("*", "anything at all"));
  CHECK(matches("log*", "log"));
  CHECK(matches("log*", "log.1"));
  CHECK(matches("*.1", "log.1"));
  CHECK(matches("l*g*1", "log.log.1"));
  CHECK(matches("*ab*ab", "abxabab"));
  CHECK(matches("**", "x"));
  CHECK_FALSE(matches("l*g", "log.1"));
  CHECK_FALSE(matches("*x*", "log"));
}

TEST_CASE("a question mark matches one character, of several bytes too") {
  CHECK(matches("l?g", "log"));
  CHECK(matches("???", "log"));
  CHECK(matches("?pfel", "\xc3\xa4pfel"));
  CHECK(matches("*?pfel", "\xc3\xa4pfel"));
  CHECK_FALSE(matches("??pfel", "\xc3\xa4pfel"));
  CHECK_FALSE(matches("????", "log"));
  CHECK_FALSE(matches("?", ""));
}

TEST_CASE("a pattern of many stars is matched quickly") {
  std::string pattern;
  for (int i = 0; i < 50; ++i)
    pattern += "*a";
  CHECK_FALSE(matches(pattern + "b", std::string(1000, 'a')));
}
