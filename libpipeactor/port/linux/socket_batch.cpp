#include "port/linux/socket_batch.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace pipeactor::port {

// -- receive_batch ----------------------------------------------------------------------------

receive_batch::receive_batch(size_t limit) : pool_(limit) {
  buffers_.fill(buffer_pool::none);
  for (size_t index = 0; index < capacity; ++index) {
    auto& header = headers_[index].msg_hdr;
    header.msg_iov = &pieces_[index];
    header.msg_iovlen = 1;
    pieces_[index].iov_len = limit;
  }
}

receive_batch::~receive_batch() {
  for (auto buffer : buffers_)
    if (buffer != buffer_pool::none)
      pool_.release(buffer);
}

size_t receive_batch::prepare(size_t count) noexcept {
  assert(count <= capacity);
  for (size_t index = 0; index < count; ++index) {
    auto& buffer = buffers_[index];
    if (buffer != buffer_pool::none)
      continue;
    buffer = pool_.acquire();
    if (buffer == buffer_pool::none)
      return index;
    pieces_[index].iov_base = pool_.data(buffer);
  }
  return count;
}

int receive_batch::receive_messages(int fd, size_t count) noexcept {
  // MSG_TRUNC: report the true length of a message that does not fit.
  return recvmmsg(fd, headers_.data(), static_cast<unsigned>(count), MSG_DONTWAIT | MSG_TRUNC,
                  nullptr);
}

ssize_t receive_batch::receive_bytes(int fd) noexcept {
  return recv(fd, pieces_[0].iov_base, pieces_[0].iov_len, MSG_DONTWAIT);
}

payload receive_batch::take(size_t index, size_t size, detail::payload_account* account) {
  auto buffer = std::exchange(buffers_[index], buffer_pool::none);
  assert(buffer != buffer_pool::none);
  return pool_.make_payload(buffer, size, account);
}

// -- send_batch -------------------------------------------------------------------------------

namespace {

iovec piece_of(const payload& data, size_t offset) noexcept {
  // iovec serves both directions, hence the cast; sending only reads.
  return {const_cast<std::byte*>(data.data()) + offset, data.size() - offset};
}

} // namespace

send_batch::send_batch() noexcept {
  for (size_t index = 0; index < capacity; ++index) {
    headers_[index].msg_hdr.msg_iov = &pieces_[index];
    headers_[index].msg_hdr.msg_iovlen = 1;
  }
}

int send_batch::send_messages(int fd, const detail::ring_queue<payload>& queue) noexcept {
  constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  auto count = std::min(queue.size(), capacity);
  if (count == 1)
    return send(fd, queue.front().data(), queue.front().size(), flags) < 0 ? -1 : 1;
  for (size_t index = 0; index < count; ++index)
    pieces_[index] = piece_of(queue[index], 0);
  return sendmmsg(fd, headers_.data(), static_cast<unsigned>(count), flags);
}

ssize_t send_batch::send_bytes(int fd, const detail::ring_queue<payload>& queue,
                               size_t offset) noexcept {
  msghdr header{};
  header.msg_iov = pieces_.data();
  header.msg_iovlen = std::min(queue.size(), capacity);
  for (size_t index = 0; index < header.msg_iovlen; ++index)
    pieces_[index] = piece_of(queue[index], index == 0 ? offset : 0);
  return sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

} // namespace pipeactor::port
