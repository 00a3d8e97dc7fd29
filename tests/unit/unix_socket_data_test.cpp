#include "pipeactor/error.hpp"
#include "port/linux/unix_socket.hpp"

#include "unix_helpers.hpp"

#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <climits>
#include <initializer_list>
#include <thread>

using namespace pipeactor;
using namespace pipeactor::port;
using namespace unix_helpers;

namespace {

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

pipe_mode mode_of(int type) {
  return type == SOCK_SEQPACKET ? pipe_mode::message : pipe_mode::byte;
}

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

/// A pipe that listens in a directory of its own.
struct listening_pipe {
  listening_pipe() {
    listen_request request;
    request.pipe_name = path;
    listener = listen_unix(request);
    REQUIRE(listener);
  }

  /// Connects, and leaves the connection open until the process ends.
  std::string connect_and_stay() const {
    auto fd = connect_unix(path, pipe_mode::message);
    if (!fd)
      return describe(fd.error());
    fd->release();
    return "connected";
  }

  temp_directory directory;
  std::string path = directory / "pipe";
  caf::expected<unix_listener> listener{caf::none};
};

} // namespace

// -- peers ------------------------------------------------------------------------------------

TEST_CASE("peer_of reports process, user and group of a peer of our own") {
  listening_pipe pipe;
  child_process client{[&] { return pipe.connect_and_stay(); }};
  unique_fd served{accept(pipe.listener->socket.get(), nullptr, nullptr)};
  auto peer = peer_of(served.get());
  CHECK(peer.pid == client.pid());
  CHECK(peer.uid == geteuid());
  CHECK(peer.gid == getegid());
}

TEST_CASE("peer_of reports process, user and groups as the kernel knows them") {
  needs_root();
  listening_pipe pipe;
  REQUIRE(chmod(pipe.directory.path().c_str(), 0755) == 0);
  REQUIRE(chmod(pipe.path.c_str(), 0666) == 0);
  auto count = GENERATE(0U, 1U, 3U, 5000U);
  std::vector<gid_t> groups;
  for (gid_t group = 0; group < count; ++group)
    groups.push_back(2000 + group);
  child_process client{[&]() -> std::string {
    if (setgroups(groups.size(), groups.data()) != 0 || setresgid(1234, 1234, 1234) != 0
        || setresuid(other_user, other_user, other_user) != 0)
      return "cannot drop";
    return pipe.connect_and_stay();
  }};
  REQUIRE(client.text() == "connected");
  unique_fd served{accept(pipe.listener->socket.get(), nullptr, nullptr)};
  auto peer = peer_of(served.get());
  CHECK(peer.pid == client.pid());
  CHECK(peer.uid == other_user);
  CHECK(peer.gid == 1234);
  CHECK(peer.groups == std::vector<int64_t>(groups.begin(), groups.end()));
  client.end();
  CHECK(peer_of(served.get()).uid == other_user);
}

TEST_CASE("peer_of reports nothing if there is no peer") {
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

// -- sizes ------------------------------------------------------------------------------------

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

TEST_CASE("largest_send_buffer is no less than the default") {
  CHECK(largest_send_buffer() >= default_send_buffer());
}

TEST_CASE("largest_send_buffer is what an ordinary user gets") {
  needs_root();
  auto text = as_user(other_user, [] {
    socket_pair pair{SOCK_SEQPACKET};
    auto granted = raise_send_buffer(pair.left.get(), INT_MAX);
    return std::to_string(largest_send_buffer()) + " " + std::to_string(granted);
  });
  auto expected = std::to_string(largest_send_buffer());
  CHECK(text == expected + " " + expected);
}

// -- the end ----------------------------------------------------------------------------------

TEST_CASE("a socket closed with unread input resets its peer, which is why we discard") {
  socket_pair messages{SOCK_SEQPACKET};
  socket_pair bytes{SOCK_STREAM};
  for (auto* pair : {&messages, &bytes}) {
    REQUIRE(send_text(pair->right, "unread"));
    REQUIRE(send_text(pair->left, "last words"));
    pair->left = unique_fd{};
  }
  auto reset = " errno " + std::to_string(ECONNRESET);
  CHECK(receive_all(messages.right) == reset);
  CHECK(receive_all(messages.right) == "last words");
  CHECK(receive_all(bytes.right) == "last words" + reset);
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
  discard_input(pair.left.get(), mode_of(type));
  CHECK(unread_bytes(pair.left.get()) == 0);
  pair.left = unique_fd{};
  CHECK(receive_all(pair.right) == "last words");
}

TEST_CASE("discard_input ends even if the peer writes all the time") {
  auto type = GENERATE(SOCK_SEQPACKET, SOCK_STREAM);
  socket_pair pair{type};
  fcntl(pair.right.get(), F_SETFL, 0);
  std::thread writer{[&] {
    while (send_text(pair.right, "flood")) {
    }
  }};
  CHECK(send_text(pair.left, "last words"));
  usleep(10000);
  discard_input(pair.left.get(), mode_of(type));
  CHECK(unread_bytes(pair.left.get()) == 0);
  writer.join();
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
  discard_input(pair.left.get(), mode_of(type));
  CHECK(open_descriptors() == descriptors + 1);
  // Without another writer the pipe reports its end.
  char c;
  CHECK(read(ends[0], &c, 1) == 0);
  close(ends[0]);
}

TEST_CASE("discard_input does no harm to a socket that the peer closed") {
  auto type = GENERATE(SOCK_SEQPACKET, SOCK_STREAM);
  socket_pair pair{type};
  REQUIRE(send_text(pair.right, "unread"));
  REQUIRE(send_text(pair.left, "never read"));
  pair.right = unique_fd{};
  discard_input(pair.left.get(), mode_of(type));
  discard_input(pair.left.get(), mode_of(type));
  discard_input(-1, pipe_mode::message);
  SUCCEED();
}

TEST_CASE("unread_bytes counts what waits to be read") {
  socket_pair pair{GENERATE(SOCK_SEQPACKET, SOCK_STREAM)};
  CHECK(unread_bytes(pair.left.get()) == 0);
  REQUIRE(send_text(pair.right, "one"));
  REQUIRE(send_text(pair.right, "three"));
  CHECK(unread_bytes(pair.left.get()) == 8);
  CHECK(unread_bytes(-1) == 0);
}

TEST_CASE("peek_input tells what comes next and leaves it there") {
  socket_pair pair{SOCK_SEQPACKET};
  auto next = [&] {
    auto found = peek_input(pair.left.get(), pipe_mode::message);
    CHECK(peek_input(pair.left.get(), pipe_mode::message) == found);
    return found;
  };
  stamp_messages(pair.left.get());
  CHECK(next() == peeked::nothing);
  auto text = GENERATE(as<std::string>{}, "text", "");
  REQUIRE(send_text(pair.right, text));
  CHECK(next() == peeked::data);
  SECTION("the peer closes its writing half") {
    shutdown(pair.right.get(), SHUT_WR);
  }
  SECTION("the peer closes") {
    pair.right = unique_fd{};
  }
  CHECK(next() == peeked::data);
  char buffer[8];
  REQUIRE(recv(pair.left.get(), buffer, sizeof(buffer), 0) == static_cast<ssize_t>(text.size()));
  CHECK(next() == peeked::end_of_file);
}

TEST_CASE("peek_input reports once that the peer left without reading") {
  socket_pair pair{SOCK_SEQPACKET};
  stamp_messages(pair.left.get());
  REQUIRE(send_text(pair.left, "never read"));
  pair.right = unique_fd{};
  CHECK(peek_input(pair.left.get(), pipe_mode::message) == peeked::reset);
  CHECK(peek_input(pair.left.get(), pipe_mode::message) == peeked::end_of_file);
}
