// State files that are damaged, or not for this hub.

#include "hub/kept_world.hpp"
#include "state/database.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <sys/stat.h>

using namespace hub_test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream file{path, std::ios::binary};
  file << bytes;
}

/// Returns the bytes of a file in which there is something of each kind.
std::string make_full_file() {
  kept_world home;
  auto guest = home->v5("guest", "11 00000E10");
  guest.send("82 * 0001 [0B 07] 't/#' 02");
  guest.leave();
  home->open().send("10 * 'MQTT' 05 0E 0000 [11 00000E10] 'w' [18 00000064] 'will' 0001 31");
  auto publisher = home->v5("p", "11 00000E10");
  publisher.send("35 * 't/1' 0001 [26 'k' 'v'] 31");
  publisher.send("33 * 't/2' 0002 [02 00000E10] 32");
  // Closed: all is in one file.
  home.restart();
  auto path = home.path();
  home.restart();
  return read_file(path);
}

const std::string& full_file() {
  static auto result = make_full_file();
  return result;
}

std::string error_of(std::string_view bytes) {
  state_path path;
  write_file(path.str(), bytes);
  auto opened = open_state(path.str(), unix_time_of_worlds);
  CHECK((opened.file == nullptr) == !opened.error.empty());
  return opened.error;
}

/// Runs statements of SQL on a copy of a full file, and returns the error of opening it.
std::string error_after(const std::string& sql) {
  state_path path;
  write_file(path.str(), full_file());
  database{path.str()}.run(sql);
  return open_state(path.str(), unix_time_of_worlds).error;
}

} // namespace

TEST_CASE("A new state file is the user's alone", "[state]") {
  state_path path;
  auto opened = open_state(path.str());
  REQUIRE(opened.error.empty());
  struct stat found {};
  REQUIRE(stat(path.str().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  REQUIRE(stat((path.str() + "-wal").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("A state file in use is refused, and free when its hub has gone", "[state]") {
  state_path path;
  for (int round = 0; round < 3; ++round) {
    auto first = open_state(path.str());
    REQUIRE(first.error.empty());
    auto second = open_state(path.str());
    CHECK(second.file == nullptr);
    CHECK_THAT(second.error, StartsWith("state file " + path.str() + " is in use by another hub"));
  }
}

TEST_CASE("A state file that cannot be made is refused", "[state]") {
  CHECK_THAT(open_state("/nowhere/state").error,
             Contains("cannot be used: No such file or directory: give a path"));
  state_path path;
  CHECK_THAT(open_state(path.directory().string()).error,
             Contains("cannot be used: it is no regular file: give a path"));
}

TEST_CASE("Files of others and of newer hubs are refused, and not changed", "[state]") {
  CHECK_THAT(error_of("# a file of somebody else's, which is longer than a header of SQLite's, "
                      "and has a few lines\nso that it is looked at as a whole\n"),
             Contains("is damaged (file is not a database)"));
  CHECK_THAT(error_after("PRAGMA user_version = 2"),
             Contains("is of version 2, and this pipehub knows version 1: run the newer pipehub"));
  CHECK_THAT(error_after("PRAGMA application_id = 7"), Contains("is no state file of pipehub"));
  state_path path;
  write_file(path.str(), "tiny");
  CHECK(!open_state(path.str()).error.empty());
  CHECK(read_file(path.str()) == "tiny");
}

TEST_CASE("A state file that was cut anywhere is refused", "[state]") {
  auto& whole = full_file();
  REQUIRE(whole.size() > 20000);
  CHECK(error_of(whole).empty());
  // An empty file is a new one.
  CHECK(error_of("").empty());
  for (size_t size = 1; size < whole.size(); size += size < 600 || size % 4096 > 4000 ? 1 : 61) {
    CAPTURE(size);
    CHECK_THAT(error_of(whole.substr(0, size)), Contains("is damaged"));
  }
}

TEST_CASE("A state file with wrong bytes anywhere is refused, or does no harm", "[state]") {
  auto& whole = full_file();
  size_t refused = 0;
  for (size_t at = 0; at < whole.size(); at += 13) {
    CAPTURE(at);
    auto bytes = whole;
    for (size_t index = at; index < std::min(at + 5, bytes.size()); ++index)
      bytes[index] = static_cast<char>(bytes[index] ^ 0xFF);
    state_path path;
    write_file(path.str(), bytes);
    auto opened = open_state(path.str(), unix_time_of_worlds);
    refused += opened.error.empty() ? 0 : 1;
    if (!opened.error.empty())
      continue;
    world home{{}, *opened.file, std::move(opened.contents), time_point{}};
    auto guest = home.open();
    guest.send("10 * 'MQTT' 05 02 0000 [] 'new'");
    guest.send("82 * 0001 [] '#' 02");
    home.pass(std::chrono::hours{2});
  }
  CHECK(refused > 100);
}

TEST_CASE("Rows that make no sense are damage", "[state]") {
  auto sql = GENERATE(
    as<std::string>{}, "UPDATE message SET topic = x'00'", "UPDATE message SET topic = 'a/+'",
    "UPDATE message SET topic = ''", "UPDATE message SET properties = x'FF'",
    "UPDATE message SET properties = x'2600'", "UPDATE message SET qos = 3",
    "UPDATE message SET expiry = 9223372036854775807", "DELETE FROM message", "DELETE FROM session",
    "UPDATE session SET client_id = 'same'", "UPDATE session SET number = 0",
    "UPDATE session SET expiry = -9223372036854775808", "UPDATE session SET will_delay = -1",
    "UPDATE subscription SET filter = 'a#'", "UPDATE subscription SET qos = 9",
    "UPDATE subscription SET identifier = 268435456", "UPDATE delivery SET qos = 0",
    "UPDATE delivery SET packet_id = 5", "UPDATE delivery SET packet_id = 70000",
    "UPDATE delivery SET identifiers = x'0102'", "UPDATE delivery SET identifiers = x'00000000'",
    "UPDATE received SET packet_id = -1", "UPDATE retained SET topic = 'x' WHERE topic = x'742F31'",
    "DROP TABLE received");
  CAPTURE(sql);
  // Of several rows only one can have a key.
  auto one = sql.find("number = 0") != sql.npos ? sql + " WHERE number = 1" : sql;
  CHECK_THAT(error_after(one), Contains("is damaged ("));
}

TEST_CASE("A message that nobody has is removed from the file", "[state]") {
  state_path path;
  write_file(path.str(), full_file());
  database{path.str()}.run("INSERT INTO message VALUES(9, 't', '', '', 0, 0, NULL, NULL)");
  auto opened = open_state(path.str(), unix_time_of_worlds);
  REQUIRE(opened.error.empty());
  CHECK(opened.file->has_changes());
  CHECK(opened.file->commit());
  opened = {};
  CHECK(open_state(path.str(), unix_time_of_worlds).file->has_changes() == false);
}
