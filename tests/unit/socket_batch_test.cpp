#include "port/linux/socket_batch.hpp"

#include "port/linux/unique_fd.hpp"
#include "port/linux/unix_socket.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

using namespace pipeactor;
using namespace pipeactor::port;

namespace {

constexpr size_t limit = 100;

std::pair<unique_fd, unique_fd> socket_pair(int type) {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0);
  return {unique_fd{ends[0]}, unique_fd{ends[1]}};
}

void send_to(const unique_fd& fd, const std::string& text) {
  REQUIRE(send(fd.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
}

std::string receive_from(const unique_fd& fd) {
  std::string buffer(1000, '\0');
  auto size = recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  buffer.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return buffer;
}

detail::ring_queue<payload> queue_of(const std::vector<std::string>& texts) {
  detail::ring_queue<payload> result;
  for (auto& text : texts)
    result.push_back(payload{text});
  return result;
}

} // namespace

TEST_CASE("receive_batch reads several messages at once, and tells empty ones from the end") {
  auto [ours, theirs] = socket_pair(SOCK_SEQPACKET);
  REQUIRE_FALSE(stamp_messages(ours.get()));
  for (auto text : {"a", "", "ccc"})
    send_to(theirs, text);
  theirs = unique_fd{};
  receive_batch batch{limit};
  auto ready = batch.prepare(receive_batch::capacity);
  REQUIRE(ready == receive_batch::capacity);
  // Each message after the end of file counts as one more.
  REQUIRE(batch.receive_messages(ours.get(), ready) >= 4);
  CHECK(batch.take(0, batch.length(0), nullptr).text() == "a");
  CHECK_FALSE(batch.is_end(1));
  CHECK(batch.length(1) == 0);
  CHECK(batch.take(2, batch.length(2), nullptr).text() == "ccc");
  CHECK(batch.is_end(3));
}

TEST_CASE("receive_batch tells the true length of a message that does not fit") {
  auto [ours, theirs] = socket_pair(SOCK_SEQPACKET);
  send_to(theirs, std::string(limit + 1, 'x'));
  receive_batch batch{limit};
  CHECK(batch.limit() == limit);
  REQUIRE(batch.receive_messages(ours.get(), batch.prepare(1)) == 1);
  CHECK(batch.length(0) == limit + 1);
}

TEST_CASE("receive_batch does not wait, and keeps the buffers that a call left unused") {
  auto [ours, theirs] = socket_pair(SOCK_STREAM);
  receive_batch batch{limit};
  REQUIRE(batch.prepare(1) == 1);
  CHECK(batch.receive_bytes(ours.get()) == -1);
  CHECK(errno == EAGAIN);
  send_to(theirs, std::string(limit + 20, 'x'));
  REQUIRE(batch.prepare(1) == 1);
  REQUIRE(batch.receive_bytes(ours.get()) == static_cast<ssize_t>(limit));
  auto first = batch.take(0, limit, nullptr);
  REQUIRE(batch.prepare(1) == 1);
  REQUIRE(batch.receive_bytes(ours.get()) == 20);
  // Not the buffer of the payload that is kept.
  CHECK(batch.take(0, 20, nullptr).data() != first.data());
  CHECK(first.text() == std::string(limit, 'x'));
}

TEST_CASE("send_batch sends the oldest messages, as many as there is room for") {
  auto [ours, theirs] = socket_pair(SOCK_SEQPACKET);
  std::vector<std::string> texts;
  for (size_t number = 0; number < send_batch::capacity + 1; ++number)
    texts.push_back(std::to_string(number));
  auto queue = queue_of(texts);
  send_batch batch;
  CHECK(batch.send_messages(ours.get(), queue) == static_cast<int>(send_batch::capacity));
  CHECK(queue.size() == texts.size());
  for (size_t number = 0; number < send_batch::capacity; ++number)
    CHECK(receive_from(theirs) == texts[number]);
  CHECK(receive_from(theirs).empty());
  while (batch.send_messages(ours.get(), queue) == static_cast<int>(send_batch::capacity)) {
  }
  CHECK(batch.send_messages(ours.get(), queue) == -1);
  CHECK(errno == EAGAIN);
  theirs = unique_fd{};
  CHECK(batch.send_messages(ours.get(), queue_of({"alone"})) == -1);
  CHECK((errno == EPIPE || errno == ECONNRESET));
}

TEST_CASE("send_batch sends bytes of several payloads, from the middle of the first") {
  auto [ours, theirs] = socket_pair(SOCK_STREAM);
  send_batch batch;
  CHECK(batch.send_bytes(ours.get(), queue_of({"abcdef", "ghi", "j"}), 4) == 6);
  CHECK(receive_from(theirs) == "efghij");
}
