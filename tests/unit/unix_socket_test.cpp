#include "port/linux/unix_socket.hpp"
#include "pipeactor/error.hpp"

#include "port/linux/unix_error.hpp"
#include "unix_helpers.hpp"

#include <fcntl.h>
#include <poll.h>

#include <optional>

using namespace pipeactor;
using namespace pipeactor::port;
using namespace unix_helpers;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

listen_request request_for(const std::string& name, pipe_mode mode = pipe_mode::message,
                           size_t backlog = 4) {
  listen_request result;
  result.pipe_name = name;
  result.mode = mode;
  result.backlog = backlog;
  return result;
}

std::string text_of_listen(const std::string& name, pipe_mode mode = pipe_mode::message) {
  auto listener = listen_unix(request_for(name, mode));
  return listener ? "listening" : describe(listener.error());
}

std::string text_of_connect(const std::string& name, pipe_mode mode = pipe_mode::message) {
  auto fd = connect_unix(name, mode);
  return fd ? "connected" : describe(fd.error());
}

errc code_of_connect(const std::string& name, pipe_mode mode = pipe_mode::message) {
  auto fd = connect_unix(name, mode);
  return fd ? errc::none : code_of(fd.error());
}

bool send_text(const unique_fd& fd, const std::string& text) {
  return send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL)
         == static_cast<ssize_t>(text.size());
}

bool has_flags(int fd) {
  return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

} // namespace

// -- descriptors and errors -------------------------------------------------------------------

TEST_CASE("unique_fd closes its descriptor once") {
  auto before = open_descriptors();
  {
    unique_fd fd{open("/dev/null", O_RDONLY | O_CLOEXEC)};
    REQUIRE(fd);
    unique_fd next{std::move(fd)};
    CHECK_FALSE(fd); // NOLINT: a moved-from descriptor is none
    fd = std::move(next);
    CHECK(fd);
    unique_fd{fd.release()};
    CHECK_FALSE(fd);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("unix_error translates what the system reports and keeps its code") {
  struct row {
    int error_number;
    errc code;
  };
  auto [error_number, code] = GENERATE(values<row>({{EACCES, errc::access_denied},
                                                    {EPERM, errc::access_denied},
                                                    {EADDRINUSE, errc::pipe_in_use},
                                                    {ENOENT, errc::no_such_pipe},
                                                    {ECONNREFUSED, errc::no_such_pipe},
                                                    {EAGAIN, errc::pipe_busy},
                                                    {EPROTOTYPE, errc::not_a_pipe},
                                                    {ENOTSOCK, errc::not_a_pipe},
                                                    {EMFILE, errc::out_of_resources},
                                                    {ENFILE, errc::out_of_resources},
                                                    {ENOMEM, errc::out_of_resources},
                                                    {ENOBUFS, errc::out_of_resources},
                                                    {EPIPE, errc::closed_by_peer},
                                                    {ECONNRESET, errc::peer_reset},
                                                    {EMSGSIZE, errc::message_too_large},
                                                    {ECANCELED, errc::operation_aborted},
                                                    {ENAMETOOLONG, errc::pipe_name_too_long},
                                                    {EIO, errc::os_error},
                                                    {EROFS, errc::os_error}}));
  auto err = unix_error(error_number, "cannot do it");
  CHECK(code_of(err) == code);
  CHECK(os_code_of(err) == error_number);
  CHECK(contains(describe(err), "cannot do it"));
  CHECK(contains(describe(err), std::strerror(error_number)));
}

TEST_CASE(
  "a message can be sent with the send buffer that an error asks for, and with no smaller") {
  auto size = GENERATE(size_t{50'000}, size_t{50'001}, size_t{300'000});
  auto buffer = send_buffer_for(size);
  for (auto smaller : {size_t{0}, size_t{1}}) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    unique_fd from{ends[0]};
    unique_fd to{ends[1]};
    auto value = static_cast<int>(buffer - smaller);
    REQUIRE(setsockopt(from.get(), SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)) == 0);
    std::string message(size, 'x');
    auto sent = send(from.get(), message.data(), message.size(), MSG_NOSIGNAL);
    CHECK(sent == (smaller == 0 ? static_cast<ssize_t>(size) : -1));
    CHECK((smaller == 0 || errno == EMSGSIZE));
  }
}

TEST_CASE("a message size that is not granted names the net.core.wmem_max that would do") {
  auto most = longest_message(SIZE_MAX);
  auto granted = longest_message(largest_send_buffer());
  if (granted < most) {
    CHECK_FALSE(check_unix_message_size(granted));
    CHECK(contains(describe(check_unix_message_size(granted + 1)),
                   "raise net.core.wmem_max to " + std::to_string(send_buffer_for(granted + 1))));
  }
  CHECK(contains(describe(check_unix_message_size(most + 1)),
                 "Linux sends no more than " + std::to_string(most)));
}

TEST_CASE("unix_error tells the user what to do") {
  CHECK(contains(describe(unix_error(EMFILE, "x")), "ulimit -n"));
  CHECK(contains(describe(unix_error(EMSGSIZE, "x")), "net.core.wmem_max"));
}

// -- listening --------------------------------------------------------------------------------

TEST_CASE("listen_unix publishes a name that clients can connect to") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto descriptors = open_descriptors();
  {
    auto listener = listen_unix(request_for(path, mode));
    REQUIRE(listener);
    CHECK(has_flags(listener->socket.get()));
    CHECK(pipe_name_claim::is_held(path));
    auto client = connect_unix(path, mode);
    REQUIRE(client);
    CHECK(has_flags(client->get()));
    unique_fd served{accept4(listener->socket.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    REQUIRE(served);
    REQUIRE(send_text(*client, "hello"));
    char buffer[16];
    REQUIRE(recv(served.get(), buffer, sizeof(buffer), 0) == 5);
    CHECK(std::string(buffer, 5) == "hello");
  }
  CHECK(files_in(directory.path()).empty());
  CHECK(open_descriptors() == descriptors);
  CHECK(code_of_connect(path, mode) == errc::no_such_pipe);
}

TEST_CASE("listen_unix creates a socket file for its user only, whatever the umask") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto old = umask(0);
  auto listener = listen_unix(request_for(path));
  umask(old);
  REQUIRE(listener);
  struct stat info;
  REQUIRE(lstat(path.c_str(), &info) == 0);
  CHECK(S_ISSOCK(info.st_mode));
  CHECK((info.st_mode & 07777) == 0600);
  REQUIRE(lstat((path + ".lock").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
}

TEST_CASE(
  "listen_unix gives the socket file the mode and group of its access, whatever the umask") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto group = std::to_string(getegid());
  auto [access, mode] = GENERATE_COPY(
    table<pipe_access, unsigned>({{pipe_access::owner(), 0600},
                                  {pipe_access::group(), 0660},
                                  {pipe_access::group(group), 0660},
                                  {pipe_access::everyone(), 0666},
                                  {pipe_access::list({"65534", "@65534"}), 0666}}));
  auto request = request_for(path);
  request.access = *resolve(access);
  CAPTURE(to_string(access));
  auto old = umask(static_cast<mode_t>(GENERATE(0, 022, 077)));
  auto listener = listen_unix(request);
  umask(old);
  REQUIRE(listener);
  struct stat info;
  REQUIRE(lstat(path.c_str(), &info) == 0);
  CHECK(S_ISSOCK(info.st_mode));
  CHECK((info.st_mode & 07777) == mode);
  CHECK(info.st_gid == getegid());
  REQUIRE(lstat((path + ".lock").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == (mode == 0600 ? 0600U : 0644U));
}

TEST_CASE("listen_unix gives the socket to a group that the user is a member of") {
  needs_root();
  temp_directory directory;
  auto path = directory / "pipe";
  REQUIRE(chmod(directory.path().c_str(), 0777) == 0);
  auto request = request_for(path);
  request.access = *resolve(pipe_access::group("4000000"));
  auto listen = [&] {
    auto listener = listen_unix(request);
    struct stat info;
    if (!listener)
      return describe(listener.error());
    return lstat(path.c_str(), &info) == 0 ? std::to_string(info.st_gid) : "no file";
  };
  CHECK(listen() == "4000000");
  auto member = in_child([&]() -> std::string {
    gid_t groups[] = {4000000};
    auto user = other_user;
    if (setgroups(1, groups) != 0 || setresgid(user, user, user) != 0
        || setresuid(user, user, user) != 0)
      return "cannot drop";
    return listen();
  });
  CHECK(member == "4000000");
  for (auto& name : files_in(directory.path()))
    unlink((directory / name).c_str());
  auto stranger = as_user(other_user, listen);
  CHECK(contains(stranger, "invalid_option"));
  CHECK(contains(stranger, "use access list:@4000000"));
  CHECK(files_in(directory.path()).empty());
}

TEST_CASE(
  "nobody connects to a listener that has ended, even if another process shares its socket") {
  temp_directory directory;
  for (auto mode : {pipe_mode::message, pipe_mode::byte}) {
    auto listener = listen_unix(request_for(directory / "pipe", mode));
    REQUIRE(listener);
    // A name that its end does not remove.
    REQUIRE(link((directory / "pipe").c_str(), (directory / "other").c_str()) == 0);
    unique_fd shared{dup(listener->socket.get())};
    CHECK(code_of_connect(directory / "other", mode) == errc::none);
    listener = caf::error{};
    CHECK(code_of_connect(directory / "other", mode) == errc::no_such_pipe);
    unlink((directory / "other").c_str());
  }
}

TEST_CASE("listen_unix refuses a name that a live server has") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto listener = listen_unix(request_for(path));
  REQUIRE(listener);
  auto descriptors = open_descriptors();
  CHECK(contains(text_of_listen(path), "pipe_in_use"));
  CHECK(contains(text_of_listen(path, pipe_mode::byte), "pipe_in_use"));
  CHECK(open_descriptors() == descriptors);
  CHECK(text_of_connect(path) == "connected");
}

TEST_CASE("listen_unix leaves nothing behind when it fails") {
  temp_directory directory;
  auto descriptors = open_descriptors();
  CHECK(contains(text_of_listen(""), "missing_pipe_name"));
  CHECK(contains(text_of_listen("a/b"), "invalid_pipe_name"));
  CHECK(contains(text_of_listen("/" + std::string(107, 'x')), "pipe_name_too_long"));
  CHECK(contains(text_of_listen(directory / "missing/pipe"), "the directory does not exist"));
  make_file(directory / "file");
  CHECK(contains(text_of_listen(directory / "file"), "not_a_pipe"));
  CHECK(files_in(directory.path()) == std::vector<std::string>{"file"});
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("listen_unix cleans up wherever descriptors run out") {
  temp_directory directory;
  for (int spare = 0; spare < 3; ++spare) {
    auto text = in_child([&] {
      limit_descriptors(spare);
      return text_of_listen(directory / "pipe");
    });
    CAPTURE(spare, text);
    if (spare < 2)
      CHECK((contains(text, "out_of_resources") && contains(text, "ulimit -n")));
    else
      CHECK(text == "listening");
    CHECK(files_in(directory.path()).empty());
  }
}

TEST_CASE("listen_unix takes a path of 107 bytes") {
  temp_directory directory;
  auto path = directory / std::string(107 - directory.path().size() - 1, 'x');
  auto listener = listen_unix(request_for(path));
  REQUIRE(listener);
  CHECK(text_of_connect(path) == "connected");
}

TEST_CASE("listen_unix takes over the name of a killed server at once") {
  temp_directory directory;
  auto path = directory / "pipe";
  for (int round = 0; round < 20; ++round) {
    child_process server{[&]() -> std::string {
      auto listener = listen_unix(request_for(path));
      if (!listener)
        return describe(listener.error());
      new unix_listener{std::move(*listener)};
      return "listening";
    }};
    REQUIRE(server.text() == "listening");
    REQUIRE(text_of_connect(path) == "connected");
    server.end();
    REQUIRE(exists(path));
    REQUIRE(code_of_connect(path) == errc::no_such_pipe);
  }
  CHECK(text_of_listen(path) == "listening");
  CHECK(files_in(directory.path()).empty());
}

TEST_CASE("listen_unix starts and stops 1,000 times in a row") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto descriptors = open_descriptors();
  for (int round = 0; round < 1000; ++round) {
    auto listener = listen_unix(request_for(path));
    REQUIRE(listener);
    REQUIRE(text_of_connect(path) == "connected");
  }
  CHECK(files_in(directory.path()).empty());
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("listen_unix publishes a leaf name in the user's directory") {
  needs_root();
  auto user = 1100000000U + static_cast<unsigned>(getpid());
  auto directory = "/tmp/pipeactor-" + std::to_string(user);
  auto text = as_user(user, [&]() -> std::string {
    if (code_of_connect("service") != errc::no_such_pipe || exists(directory))
      return "a client must not create the directory";
    auto listener = listen_unix(request_for("service"));
    if (!listener)
      return describe(listener.error());
    if (!exists(directory + "/service"))
      return "not there";
    auto connected = text_of_connect("service");
    listener = caf::expected<unix_listener>{unix_listener{}};
    if (connected != "connected" || !files_in(directory).empty())
      return connected;
    if (chmod(directory.c_str(), 0755) != 0)
      return "chmod";
    return text_of_listen("service").substr(0, 16) + ", "
           + text_of_connect("service").substr(0, 16);
  });
  rmdir(directory.c_str());
  CHECK(text == "unsafe_directory, unsafe_directory");
}

// -- connecting -------------------------------------------------------------------------------

TEST_CASE("connect_unix tells what is wrong with a name") {
  temp_directory directory;
  auto path = directory / "pipe";
  CHECK(code_of_connect("") == errc::missing_pipe_name);
  CHECK(code_of_connect("a/b") == errc::invalid_pipe_name);
  CHECK(code_of_connect(path) == errc::no_such_pipe);
  CHECK(code_of_connect(directory / "missing/pipe") == errc::no_such_pipe);
  SECTION("a dead server's socket") {
    close(foreign_socket(path, SOCK_SEQPACKET));
    CHECK(code_of_connect(path) == errc::no_such_pipe);
  }
  SECTION("a file") {
    make_file(path);
    CHECK(code_of_connect(path) == errc::not_a_pipe);
  }
  SECTION("a directory") {
    CHECK(code_of_connect(directory.path()) == errc::not_a_pipe);
  }
  SECTION("a link to a dead server's socket") {
    close(foreign_socket(path, SOCK_SEQPACKET));
    REQUIRE(symlink("pipe", (directory / "link").c_str()) == 0);
    CHECK(code_of_connect(directory / "link") == errc::no_such_pipe);
  }
}

TEST_CASE("connect_unix reports a pipe of the other mode") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto other = mode == pipe_mode::message ? pipe_mode::byte : pipe_mode::message;
  auto listener = listen_unix(request_for(path, mode));
  REQUIRE(listener);
  CHECK(code_of_connect(path, other) == errc::not_a_pipe);
  CHECK(contains(text_of_connect(path, other), "its server uses the other mode (message or byte)"));
}

TEST_CASE("connect_unix reports a full backlog as busy") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto backlog = GENERATE(size_t{1}, size_t{4}, size_t{100});
  auto listener = listen_unix(request_for(path, pipe_mode::message, backlog));
  REQUIRE(listener);
  std::vector<unique_fd> clients;
  std::optional<errc> refusal;
  while (!refusal && clients.size() < 1000) {
    auto fd = connect_unix(path, pipe_mode::message);
    if (fd)
      clients.push_back(std::move(*fd));
    else
      refusal = code_of(fd.error());
  }
  CHECK(refusal == errc::pipe_busy);
  CHECK(clients.size() == backlog + 1);
  unique_fd served{accept(listener->socket.get(), nullptr, nullptr)};
  CHECK(text_of_connect(path) == "connected");
}

TEST_CASE("connect_unix is denied to other users and the server does not see them") {
  needs_root();
  temp_directory directory;
  auto path = directory / "pipe";
  auto listener = listen_unix(request_for(path));
  REQUIRE(listener);
  SECTION("by the mode of the directory, even where the socket is open to all") {
    REQUIRE(chmod(path.c_str(), 0777) == 0);
  }
  SECTION("by the mode of the socket") {
    REQUIRE(chmod(directory.path().c_str(), 0755) == 0);
  }
  CHECK(contains(as_user(other_user, [&] { return text_of_connect(path); }), "access_denied"));
  pollfd entry = {listener->socket.get(), POLLIN, 0};
  CHECK(poll(&entry, 1, 0) == 0);
}

TEST_CASE("connect_unix says that descriptors ran out") {
  temp_directory directory;
  auto listener = listen_unix(request_for(directory / "pipe"));
  REQUIRE(listener);
  auto text = in_child([&] {
    limit_descriptors(0);
    return text_of_connect(directory / "pipe");
  });
  CHECK(contains(text, "out_of_resources"));
}
