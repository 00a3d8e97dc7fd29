#include "port/linux/pipe_name.hpp"
#include "pipeactor/error.hpp"

#include "unix_helpers.hpp"

using namespace pipeactor;
using namespace pipeactor::port;
using namespace unix_helpers;

namespace {

errc code_of_path(const std::string& name) {
  auto path = pipe_path(name);
  return path ? errc::none : code_of(path.error());
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

// -- names ------------------------------------------------------------------------------------

TEST_CASE("pipe_path puts a leaf name into the user's pipe directory") {
  CHECK(*pipe_path("MyService") == pipe_directory() + "/MyService");
  CHECK(*pipe_path("my service.1") == pipe_directory() + "/my service.1");
  CHECK(*pipe_path("\xc3\xa4pfel") == pipe_directory() + "/\xc3\xa4pfel");
  CHECK(*pipe_path("lock") == pipe_directory() + "/lock");
}

TEST_CASE("pipe_path puts a shared leaf name into the shared directory") {
  CHECK(pipe_directory(pipe_place::shared) == "/run/pipeactor");
  CHECK(*pipe_path("MyService", pipe_place::shared) == "/run/pipeactor/MyService");
  CHECK(*pipe_path("/tmp/x", pipe_place::shared) == "/tmp/x");
}

TEST_CASE("pipe_path takes an absolute path as it is") {
  CHECK(*pipe_path("/tmp/CoreFxPipe_x") == "/tmp/CoreFxPipe_x");
  CHECK(*pipe_path("/no/such/directory/.x") == "/no/such/directory/.x");
}

TEST_CASE("pipe_path refuses an empty name with the words of the original") {
  auto path = pipe_path("");
  REQUIRE(!path);
  CHECK(code_of(path.error()) == errc::missing_pipe_name);
  CHECK(contains(describe(path.error()), "cannot start without specifying a pipe name"));
}

TEST_CASE("pipe_path refuses names that mean something to the file system") {
  auto name = GENERATE(as<std::string>{}, ".", "..", ".hidden", "a/b", "../x", "a\\b", "a\nb",
                       "a\x7f", std::string("a\0b", 3), "server.lock", ".lock", "/", "/tmp/x/",
                       "/tmp/a\tb", std::string("/tmp/a\0b", 8));
  CAPTURE(name);
  CHECK(code_of_path(name) == errc::invalid_pipe_name);
}

TEST_CASE("pipe_path takes paths of up to 107 bytes") {
  CHECK(code_of_path("/" + std::string(106, 'x')) == errc::none);
  CHECK(code_of_path("/" + std::string(107, 'x')) == errc::pipe_name_too_long);
  auto room = 107 - pipe_directory().size() - 1;
  CHECK(code_of_path(std::string(room, 'x')) == errc::none);
  CHECK(code_of_path(std::string(room + 1, 'x')) == errc::pipe_name_too_long);
}

TEST_CASE("pipe_directory is named after the effective user") {
  needs_root();
  auto directory = as_user(other_user, [] { return pipe_directory(); });
  CHECK(contains(directory, std::to_string(other_user)));
  CHECK(directory != pipe_directory());
}

// -- directories ------------------------------------------------------------------------------

TEST_CASE("prepare_directory creates a directory that only its user can enter") {
  temp_directory parent;
  auto directory = parent / "pipes";
  CHECK(!prepare_directory(directory));
  struct stat info;
  REQUIRE(lstat(directory.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0700);
  CHECK(!prepare_directory(directory));
  CHECK(!check_directory(directory));
}

TEST_CASE("check_directory reports a missing directory as no such pipe and creates nothing") {
  temp_directory parent;
  CHECK(code_of(check_directory(parent / "pipes")) == errc::no_such_pipe);
  CHECK(files_in(parent.path()).empty());
}

TEST_CASE("prepare_directory refuses a directory that lets others in") {
  temp_directory parent;
  auto directory = parent / "pipes";
  auto mode = GENERATE(0701, 0710, 0750, 0755, 0777, 01777);
  REQUIRE(mkdir(directory.c_str(), 0700) == 0);
  REQUIRE(chmod(directory.c_str(), static_cast<mode_t>(mode)) == 0);
  CHECK(code_of(prepare_directory(directory)) == errc::unsafe_directory);
  CHECK(code_of(check_directory(directory)) == errc::unsafe_directory);
}

TEST_CASE("prepare_directory refuses a symbolic link, even to a safe directory") {
  temp_directory parent;
  REQUIRE(mkdir((parent / "safe").c_str(), 0700) == 0);
  REQUIRE(symlink("safe", (parent / "pipes").c_str()) == 0);
  REQUIRE(symlink("nowhere", (parent / "dangling").c_str()) == 0);
  for (auto name : {"pipes", "dangling"}) {
    CHECK(code_of(prepare_directory(parent / name)) == errc::unsafe_directory);
    CHECK(code_of(check_directory(parent / name)) == errc::unsafe_directory);
  }
}

TEST_CASE("prepare_directory refuses a file in the directory's place") {
  temp_directory parent;
  make_file(parent / "pipes");
  CHECK(code_of(prepare_directory(parent / "pipes")) == errc::unsafe_directory);
}

TEST_CASE("prepare_directory refuses another user's directory") {
  needs_root();
  temp_directory parent;
  auto directory = parent / "pipes";
  REQUIRE(mkdir(directory.c_str(), 0700) == 0);
  REQUIRE(chown(directory.c_str(), other_user, other_user) == 0);
  CHECK(code_of(prepare_directory(directory)) == errc::unsafe_directory);
  REQUIRE(chown(directory.c_str(), 0, 0) == 0);
  REQUIRE(chmod(parent.path().c_str(), 0755) == 0);
  auto text = as_user(other_user, [&] { return describe(prepare_directory(directory)); });
  CHECK(contains(text, "unsafe_directory"));
  CHECK(contains(text, "belongs to user 0"));
}

TEST_CASE("prepare_directory says that the directory above is missing") {
  temp_directory parent;
  auto err = prepare_directory(parent / "a/b");
  CHECK(code_of(err) == errc::os_error);
  CHECK(os_code_of(err) == ENOENT);
}

TEST_CASE("check_shared_directory takes root's directory if no user can remove another's files") {
  temp_directory parent;
  auto directory = parent / "pipes";
  CHECK(code_of(check_shared_directory(directory)) == errc::no_such_pipe);
  REQUIRE(mkdir(directory.c_str(), 0700) == 0);
  auto [mode, code] = GENERATE(table<int, errc>({{0755, errc::none},
                                                 {01777, errc::none},
                                                 {01775, errc::none},
                                                 {03775, errc::none},
                                                 {0777, errc::unsafe_directory},
                                                 {0775, errc::unsafe_directory},
                                                 {0757, errc::unsafe_directory}}));
  CAPTURE(mode);
  REQUIRE(chmod(directory.c_str(), static_cast<mode_t>(mode)) == 0);
  if (is_root())
    CHECK(code_of(check_shared_directory(directory)) == code);
  else
    CHECK(code_of(check_shared_directory(directory)) == errc::unsafe_directory);
}

TEST_CASE("check_shared_directory refuses a symbolic link and a file") {
  temp_directory parent;
  REQUIRE(mkdir((parent / "safe").c_str(), 0700) == 0);
  REQUIRE(symlink("safe", (parent / "link").c_str()) == 0);
  make_file(parent / "file");
  for (auto name : {"link", "file"}) {
    auto text = describe(check_shared_directory(parent / name));
    CHECK(contains(text, "unsafe_directory"));
    CHECK(contains(text, "install -d -m 1777"));
  }
}

TEST_CASE("check_shared_directory refuses another user's directory") {
  needs_root();
  temp_directory parent;
  REQUIRE(mkdir((parent / "safe").c_str(), 0700) == 0);
  REQUIRE(chown((parent / "safe").c_str(), other_user, other_user) == 0);
  CHECK(contains(describe(check_shared_directory(parent / "safe")),
                 "belongs to user 65534 and not to root"));
}

TEST_CASE("prepare_pipe_directory makes the directory for a leaf name only") {
  needs_root();
  // A user of this test's own: the directory of a real one may be in use.
  auto user = 1000000000U + static_cast<unsigned>(getpid());
  auto directory = "/tmp/pipeactor-" + std::to_string(user);
  auto text = as_user(user, [&]() -> std::string {
    if (pipe_directory() != directory)
      return "other directory: " + pipe_directory();
    if (code_of(check_pipe_directory("x")) != errc::no_such_pipe)
      return "check_pipe_directory";
    if (check_pipe_directory("/x") || prepare_pipe_directory("/no/such/x") || exists(directory))
      return "an absolute path was checked";
    if (auto err = prepare_pipe_directory("x"))
      return describe(err);
    if (auto err = check_pipe_directory("x"))
      return describe(err);
    return exists(directory) ? "ok" : "was not created";
  });
  rmdir(directory.c_str());
  CHECK(text == "ok");
}
