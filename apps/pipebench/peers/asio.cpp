// Asio on local sockets: a stream of frames, each written by an async_write of its own.
// --bytes: writes what it has read, without frames. --packets: SOCK_SEQPACKET.

#include "peer.hpp"

#include <asio.hpp>

#include <cstdint>
#include <deque>
#include <memory>

namespace {

using stream_socket = asio::local::stream_protocol::socket;
using packet_protocol = asio::generic::seq_packet_protocol;

constexpr size_t prefix_size = 4;
constexpr size_t read_size = 64u << 10;

class stream_session : public std::enable_shared_from_this<stream_session> {
public:
  stream_session(stream_socket socket, bool bytes)
      : socket_(std::move(socket)), bytes_(bytes), buffer_(read_size) {}

  void read() {
    if (have_ == buffer_.size())
      buffer_.resize(2 * buffer_.size());
    socket_.async_read_some(asio::buffer(buffer_.data() + have_, buffer_.size() - have_),
                            [self = shared_from_this()](std::error_code err, size_t n) {
                              if (!err)
                                self->on_read(n);
                            });
  }

private:
  void on_read(size_t n) {
    have_ += n;
    size_t taken = 0;
    if (bytes_) {
      write(buffer_.data(), have_);
      taken = have_;
    }
    while (have_ - taken >= prefix_size) {
      uint32_t length = 0;
      std::memcpy(&length, buffer_.data() + taken, prefix_size);
      if (have_ - taken < prefix_size + length)
        break;
      write(buffer_.data() + taken, prefix_size + length);
      taken += prefix_size + length;
    }
    std::memmove(buffer_.data(), buffer_.data() + taken, have_ - taken);
    have_ -= taken;
    read();
  }

  void write(const char* data, size_t size) {
    queue_.emplace_back(data, data + size);
    if (queue_.size() == 1)
      write_next();
  }

  void write_next() {
    asio::async_write(socket_, asio::buffer(queue_.front()),
                      [self = shared_from_this()](std::error_code err, size_t) {
                        if (err)
                          return;
                        self->queue_.pop_front();
                        if (!self->queue_.empty())
                          self->write_next();
                      });
  }

  stream_socket socket_;
  bool bytes_;
  std::vector<char> buffer_;
  size_t have_ = 0;
  std::deque<std::vector<char>> queue_;
};

class packet_session : public std::enable_shared_from_this<packet_session> {
public:
  explicit packet_session(packet_protocol::socket socket)
      : socket_(std::move(socket)), buffer_(peer::largest_message) {
    peer::raise_send_buffer(socket_.native_handle());
  }

  void read() {
    socket_.async_receive(asio::buffer(buffer_), flags_,
                          [self = shared_from_this()](std::error_code err, size_t n) {
                            if (!err && n > 0)
                              self->answer(n);
                          });
  }

private:
  void answer(size_t n) {
    socket_.async_send(asio::buffer(buffer_.data(), n), 0,
                       [self = shared_from_this()](std::error_code err, size_t) {
                         if (!err)
                           self->read();
                       });
  }

  packet_protocol::socket socket_;
  std::vector<char> buffer_;
  asio::socket_base::message_flags flags_ = 0;
};

void accept_streams(asio::local::stream_protocol::acceptor& acceptor, bool bytes) {
  acceptor.async_accept([&acceptor, bytes](std::error_code err, stream_socket socket) {
    if (!err)
      std::make_shared<stream_session>(std::move(socket), bytes)->read();
    accept_streams(acceptor, bytes);
  });
}

/// Waits for the listening socket itself: the Asio of Debian 12 has no acceptor for packets.
void accept_packets(asio::posix::stream_descriptor& listener) {
  listener.async_wait(asio::posix::stream_descriptor::wait_read, [&listener](std::error_code err) {
    if (err)
      return;
    for (;;) {
      auto fd = accept4(listener.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0)
        break;
      packet_protocol::socket socket{listener.get_executor()};
      socket.assign(packet_protocol{AF_UNIX, 0}, fd);
      std::make_shared<packet_session>(std::move(socket))->read();
    }
    accept_packets(listener);
  });
}

} // namespace

int main(int argc, char** argv) {
  auto args = peer::parse(argc, argv);
  auto packets = args.has("--packets");
  // One thread: no locks.
  asio::io_context io{1};
  auto fd = peer::listen_at(args.path, (packets ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_NONBLOCK);
  peer::announce(args.path);
  if (packets) {
    asio::posix::stream_descriptor listener{io, fd};
    accept_packets(listener);
    io.run();
  } else {
    asio::local::stream_protocol::acceptor acceptor{io, asio::local::stream_protocol{}, fd};
    accept_streams(acceptor, args.has("--bytes"));
    io.run();
  }
}
