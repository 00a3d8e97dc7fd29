#include "pipeactor/port/unix_socket.hpp"
#include "pipeactor/error.hpp"

#include "unix_helpers.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>

#include <climits>
#include <initializer_list>
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

struct socket_pair {
  explicit socket_pair(int type) {
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fds) == 0);
    left = unique_fd{fds[0]};
    right = unique_fd{fds[1]};
  }

  unique_fd left;
  unique_fd right;
};

bool send_text(const unique_fd& fd, const std::string& text) {
  return send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL)
         == static_cast<ssize_t>(text.size());
}

/// Reads until the end or an error, which is appended as "errno N".
std::string receive_all(const unique_fd& fd) {
  std::string result;
  char buffer[65536];
  for (;;) {
    auto size = recv(fd.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (size < 0)
      return result + " errno " + std::to_string(errno);
    if (size == 0)
      return result;
    result.append(buffer, static_cast<size_t>(size));
  }
}

/// Sends one message of `size` bytes over a new pair of sockets.
/// @returns 0 or errno
int try_message(size_t requested_buffer, size_t size) {
  socket_pair pair{SOCK_SEQPACKET};
  raise_send_buffer(pair.left.get(), requested_buffer);
  std::string bytes(size, 'x');
  return send(pair.left.get(), bytes.data(), size, MSG_NOSIGNAL) < 0 ? errno : 0;
}

bool has_flags(int fd) {
  return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

} // namespace

// -- descriptors and errors -----------------------------------------------------------------

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

TEST_CASE("unix_error tells the user what to do") {
  CHECK(contains(describe(unix_error(EMFILE, "x")), "ulimit -n"));
  CHECK(contains(describe(unix_error(EMSGSIZE, "x")), "net.core.wmem_max"));
}

// -- listening ------------------------------------------------------------------------------

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
  for (size_t spare = 0; spare < 3; ++spare) {
    auto text = in_child([&] {
      // Listing the descriptors takes one more.
      rlimit limit = {open_descriptors() - 1 + spare, open_descriptors() - 1 + spare};
      setrlimit(RLIMIT_NOFILE, &limit);
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
  if (!is_root())
    return;
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

// -- connecting -----------------------------------------------------------------------------

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

TEST_CASE("connect_unix tells a pipe of the other mode") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  auto other = mode == pipe_mode::message ? pipe_mode::byte : pipe_mode::message;
  auto listener = listen_unix(request_for(path, mode));
  REQUIRE(listener);
  CHECK(code_of_connect(path, other) == errc::not_a_pipe);
  CHECK(contains(text_of_connect(path, other), "a pipe of the other mode (message/byte)"));
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
  if (!is_root())
    return;
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
    rlimit limit = {open_descriptors() - 1, open_descriptors() - 1};
    setrlimit(RLIMIT_NOFILE, &limit);
    return text_of_connect(directory / "pipe");
  });
  CHECK(contains(text, "out_of_resources"));
}

// -- peers ----------------------------------------------------------------------------------

TEST_CASE("peer_of reports process, user and groups as the kernel knows them") {
  temp_directory directory;
  auto path = directory / "pipe";
  auto listener = listen_unix(request_for(path));
  REQUIRE(listener);
  auto connect_and_stay = [&]() -> std::string {
    auto fd = connect_unix(path, pipe_mode::message);
    if (!fd)
      return describe(fd.error());
    fd->release();
    return "connected";
  };
  if (!is_root()) {
    child_process client{connect_and_stay};
    unique_fd served{accept(listener->socket.get(), nullptr, nullptr)};
    auto peer = peer_of(served.get());
    CHECK(peer.pid == client.pid());
    CHECK(peer.uid == geteuid());
    CHECK(peer.gid == getegid());
    return;
  }
  REQUIRE(chmod(directory.path().c_str(), 0755) == 0);
  REQUIRE(chmod(path.c_str(), 0666) == 0);
  auto count = GENERATE(0U, 1U, 3U, 5000U);
  std::vector<gid_t> groups;
  for (gid_t group = 0; group < count; ++group)
    groups.push_back(2000 + group);
  child_process client{[&]() -> std::string {
    if (setgroups(groups.size(), groups.data()) != 0 || setresgid(1234, 1234, 1234) != 0
        || setresuid(other_user, other_user, other_user) != 0)
      return "cannot drop";
    return connect_and_stay();
  }};
  REQUIRE(client.text() == "connected");
  unique_fd served{accept(listener->socket.get(), nullptr, nullptr)};
  auto peer = peer_of(served.get());
  CHECK(peer.pid == client.pid());
  CHECK(peer.uid == other_user);
  CHECK(peer.gid == 1234);
  CHECK(peer.groups == std::vector<int64_t>(groups.begin(), groups.end()));
  client.end();
  CHECK(peer_of(served.get()).uid == other_user);
}

TEST_CASE("peer_of reports nothing where there is no peer") {
  unique_fd none{socket(AF_UNIX, SOCK_STREAM, 0)};
  for (auto fd : {none.get(), -1}) {
    auto peer = peer_of(fd);
    CHECK(peer.pid == 0);
    CHECK(peer.uid == -1);
    CHECK(peer.gid == -1);
    CHECK(peer.groups.empty());
  }
}

TEST_CASE("a peer identity can be read by people") {
  peer_identity peer;
  CHECK(to_string(peer) == "pid unknown, uid unknown, gid unknown");
  peer.pid = 12;
  peer.uid = 0;
  peer.gid = 4294967294;
  CHECK(to_string(peer) == "pid 12, uid 0, gid 4294967294");
}

// -- sizes ----------------------------------------------------------------------------------

TEST_CASE("longest_message is what the kernel sends, to the byte") {
  auto request = GENERATE(size_t{0}, size_t{212960}, size_t{212961}, size_t{250001}, size_t{425952},
                          size_t{1000000}, size_t{4194304}, size_t{4263583}, size_t{4263615},
                          size_t{4263616}, size_t{INT_MAX});
  socket_pair pair{SOCK_SEQPACKET};
  auto longest = longest_message(raise_send_buffer(pair.left.get(), request));
  CAPTURE(request, longest);
  auto code = try_message(request, longest);
  // The longest ones lie in 4 MiB of memory in one piece.
  if (code == ENOBUFS)
    WARN("no memory in one piece for " << longest << " bytes");
  else
    CHECK(code == 0);
  auto refused = try_message(request, longest + 1);
  CHECK((refused == EMSGSIZE || refused == ENOBUFS));
}

TEST_CASE("longest_message knows the limits of the kernel") {
  CHECK(longest_message(0) == 0);
  CHECK(longest_message(32) == 0);
  CHECK(longest_message(33) == 1);
  CHECK(longest_message(212992) == 212960);
  CHECK(longest_message(425984) == 425952);
  CHECK(longest_message(4263648) == 4263616);
  CHECK(longest_message(4263649) == 4263616);
  CHECK(longest_message(SIZE_MAX) == 4263616);
}

TEST_CASE("raise_send_buffer makes room for a message and never less than there was") {
  auto most = longest_message(largest_send_buffer());
  for (auto size : {size_t{1}, size_t{212960}, size_t{212961}, size_t{300000}, size_t{300001},
                    size_t{425952}, most - 1, most}) {
    socket_pair pair{SOCK_SEQPACKET};
    auto granted = raise_send_buffer(pair.left.get(), size);
    CAPTURE(size, granted, most);
    CHECK(granted >= default_send_buffer());
    CHECK(longest_message(granted) >= std::min(size, most));
    CHECK(raise_send_buffer(pair.left.get(), 1) == granted);
  }
}

TEST_CASE("largest_send_buffer is what an ordinary user gets") {
  CHECK(largest_send_buffer() >= default_send_buffer());
  if (!is_root())
    return;
  auto text = as_user(other_user, [] {
    socket_pair pair{SOCK_SEQPACKET};
    auto granted = raise_send_buffer(pair.left.get(), INT_MAX);
    return std::to_string(largest_send_buffer()) + " " + std::to_string(granted);
  });
  auto expected = std::to_string(largest_send_buffer());
  CHECK(text == expected + " " + expected);
}

// -- the end --------------------------------------------------------------------------------

TEST_CASE("a socket closed with unread input loses its last words, which is why we discard") {
  socket_pair pair{GENERATE(SOCK_SEQPACKET, SOCK_STREAM)};
  REQUIRE(send_text(pair.right, "unread"));
  REQUIRE(send_text(pair.left, "last words"));
  pair.left = unique_fd{};
  CHECK(receive_all(pair.right) == " errno " + std::to_string(ECONNRESET));
}

TEST_CASE("discard_input lets the peer read our last words") {
  auto type = GENERATE(SOCK_SEQPACKET, SOCK_STREAM);
  auto messages = GENERATE(values<std::vector<size_t>>({{},
                                                        {6},
                                                        {0},
                                                        {0, 0, 0},
                                                        {0, 5},
                                                        {5, 0},
                                                        {0, 100000, 0, 3, 0, 0},
                                                        {200000},
                                                        std::vector<size_t>(150, 1)}));
  socket_pair pair{type};
  for (auto size : messages)
    REQUIRE(send_text(pair.right, std::string(size, 'x')));
  REQUIRE(send_text(pair.left, "last words"));
  discard_input(pair.left.get());
  CHECK(unread_bytes(pair.left.get()) == 0);
  pair.left = unique_fd{};
  CHECK(receive_all(pair.right) == "last words");
}

TEST_CASE("discard_input ends though the peer writes all the time") {
  auto type = GENERATE(SOCK_SEQPACKET, SOCK_STREAM);
  socket_pair pair{type};
  child_process writer{[&]() -> std::string {
    auto fd = pair.right.get();
    fcntl(fd, F_SETFL, 0);
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (send(fd, "flood", 5, MSG_NOSIGNAL) == 5) {
      }
      _exit(0);
    }
    return "writing";
  }};
  REQUIRE(send_text(pair.left, "last words"));
  usleep(10000);
  discard_input(pair.left.get());
  CHECK(unread_bytes(pair.left.get()) == 0);
  CHECK_FALSE(send_text(pair.right, "more"));
  pair.left = unique_fd{};
  CHECK(receive_all(pair.right) == "last words");
}

TEST_CASE("discard_input drops descriptors that were passed along") {
  auto type = GENERATE(SOCK_SEQPACKET, SOCK_STREAM);
  auto text = GENERATE(as<std::string>{}, "x", "");
  socket_pair pair{type};
  auto descriptors = open_descriptors();
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  iovec bytes = {text.data(), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &ends[1], sizeof(int));
  REQUIRE(sendmsg(pair.right.get(), &message, 0) == static_cast<ssize_t>(text.size()));
  close(ends[1]);
  discard_input(pair.left.get());
  CHECK(open_descriptors() == descriptors + 1);
  // Without another writer the pipe reports its end.
  char c;
  CHECK(read(ends[0], &c, 1) == 0);
  close(ends[0]);
}

TEST_CASE("discard_input does no harm to a socket that the peer closed") {
  socket_pair pair{GENERATE(SOCK_SEQPACKET, SOCK_STREAM)};
  REQUIRE(send_text(pair.right, "unread"));
  REQUIRE(send_text(pair.left, "never read"));
  pair.right = unique_fd{};
  discard_input(pair.left.get());
  discard_input(pair.left.get());
  discard_input(-1);
  SUCCEED();
}

TEST_CASE("peer_stopped_writing tells a closed writing half from silence and from data") {
  socket_pair pair{GENERATE(SOCK_SEQPACKET, SOCK_STREAM)};
  CHECK_FALSE(peer_stopped_writing(pair.left.get()));
  REQUIRE(send_text(pair.right, "data"));
  CHECK_FALSE(peer_stopped_writing(pair.left.get()));
  SECTION("the peer closes its writing half") {
    shutdown(pair.right.get(), SHUT_WR);
  }
  SECTION("the peer closes") {
    pair.right = unique_fd{};
  }
  CHECK(peer_stopped_writing(pair.left.get()));
}

TEST_CASE("unread_bytes counts what waits to be read") {
  socket_pair pair{GENERATE(SOCK_SEQPACKET, SOCK_STREAM)};
  CHECK(unread_bytes(pair.left.get()) == 0);
  REQUIRE(send_text(pair.right, "one"));
  REQUIRE(send_text(pair.right, "three"));
  CHECK(unread_bytes(pair.left.get()) == 8);
  CHECK(unread_bytes(-1) == 0);
}
