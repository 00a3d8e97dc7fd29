// Bare epoll on SOCK_SEQPACKET: one recv and one send for each message, until the socket is
// empty. --mmsg: up to 16 messages at a time, by recvmmsg and sendmmsg.

#include "peer.hpp"

#include <sys/epoll.h>

#include <deque>

namespace {

constexpr size_t batch = 16;
constexpr size_t most_events = 1024;

struct client {
  int fd = -1;
  /// Messages that found the socket full; nothing is read until they are sent.
  std::deque<std::vector<char>> unsent;
};

int epoll = -1;
std::vector<std::vector<char>> buffers(batch, std::vector<char>(peer::largest_message));
iovec vectors[batch];
mmsghdr headers[batch];

void watch(client& c, int operation, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &c;
  epoll_ctl(epoll, operation, c.fd, &event);
}

bool try_again() {
  return errno == EAGAIN || errno == EINTR;
}

// These return whether the client is still connected.

bool read_single(client& c) {
  auto& buffer = buffers.front();
  for (;;) {
    auto n = recv(c.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n <= 0)
      return n < 0 && try_again();
    auto size = static_cast<size_t>(n);
    if (send(c.fd, buffer.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      if (!try_again())
        return false;
      c.unsent.emplace_back(buffer.data(), buffer.data() + size);
      watch(c, EPOLL_CTL_MOD, EPOLLOUT);
      return true;
    }
  }
}

bool read_batch(client& c) {
  for (auto& vector : vectors)
    vector.iov_len = peer::largest_message;
  auto received = recvmmsg(c.fd, headers, batch, MSG_DONTWAIT, nullptr);
  if (received <= 0)
    return received < 0 && try_again();
  auto count = static_cast<unsigned>(received);
  unsigned whole = 0;
  for (; whole < count && headers[whole].msg_len > 0; ++whole)
    vectors[whole].iov_len = headers[whole].msg_len;
  auto sent = whole == 0 ? 0 : sendmmsg(c.fd, headers, whole, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && !try_again())
    return false;
  auto first_unsent = static_cast<unsigned>(std::max(sent, 0));
  for (auto i = first_unsent; i < whole; ++i)
    c.unsent.emplace_back(buffers[i].data(), buffers[i].data() + vectors[i].iov_len);
  if (!c.unsent.empty())
    watch(c, EPOLL_CTL_MOD, EPOLLOUT);
  return whole == count;
}

bool write_rest(client& c) {
  for (; !c.unsent.empty(); c.unsent.pop_front())
    if (send(c.fd, c.unsent.front().data(), c.unsent.front().size(), MSG_DONTWAIT | MSG_NOSIGNAL)
        < 0)
      return try_again();
  watch(c, EPOLL_CTL_MOD, EPOLLIN);
  return true;
}

void accept_all(int listener) {
  for (;;) {
    auto fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0)
      return;
    peer::raise_send_buffer(fd);
    auto* c = new client;
    c->fd = fd;
    watch(*c, EPOLL_CTL_ADD, EPOLLIN);
  }
}

} // namespace

int main(int argc, char** argv) {
  auto args = peer::parse(argc, argv);
  auto mmsg = args.has("--mmsg");
  for (size_t i = 0; i < batch; ++i) {
    vectors[i].iov_base = buffers[i].data();
    headers[i].msg_hdr.msg_iov = &vectors[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  epoll = epoll_create1(EPOLL_CLOEXEC);
  client listener;
  listener.fd = peer::listen_at(args.path, SOCK_SEQPACKET | SOCK_NONBLOCK);
  watch(listener, EPOLL_CTL_ADD, EPOLLIN);
  peer::announce(args.path);
  std::vector<epoll_event> events(most_events);
  for (;;) {
    auto n = epoll_wait(epoll, events.data(), most_events, -1);
    for (auto i = 0; i < n; ++i) {
      auto& c = *static_cast<client*>(events[static_cast<size_t>(i)].data.ptr);
      if (&c == &listener) {
        accept_all(c.fd);
        continue;
      }
      auto there = !c.unsent.empty() ? write_rest(c) : mmsg ? read_batch(c) : read_single(c);
      if (!there) {
        close(c.fd);
        delete &c;
      }
    }
  }
}
