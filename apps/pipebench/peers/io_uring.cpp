// Bare io_uring on SOCK_SEQPACKET: multishot accept, and multishot receive into provided buffers,
// which are sent as they are; one system call for each turn.
// --buffers=N: number of buffers (few of them stay in the cache, which suits long messages).
// --largest=N: bytes of the longest message. --poll: polls instead of sleeping. --broadcast: sends
// each message to all clients.

#include "peer.hpp"

#include <liburing.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>

namespace {

constexpr unsigned entries = 4096;
constexpr unsigned completions = 16384;
constexpr unsigned most_buffers = 1024;

enum class operation : uint32_t { accept, receive, send, waiting_send };

struct buffer {
  unsigned length = 0;
  unsigned uses = 0;
};

struct client {
  int fd = -1;
  /// Room in the socket, less what is submitted and prepared, in the kernel's unit.
  int64_t credit = 0;
  int64_t prepared = 0;
  uint64_t prepared_in = 0;
  int64_t send_buffer = 0;
  /// Ids of buffers; if `sending`, the first is on its way.
  std::deque<unsigned> unsent;
  bool sending = false;
  bool ended = false;
  bool starved = false;
};

int64_t cost_of(unsigned length) {
  return 2 * int64_t{length} + 2048;
}

class server {
public:
  /// @param buffer_count a power of two
  /// @param largest bytes of the longest message
  server(int listener, bool broadcast, bool poll, unsigned buffer_count, size_t largest)
      : listener_(listener), broadcast_(broadcast), poll_(poll), buffer_count_(buffer_count),
        buffer_size_(largest), stride_((largest / 64 | 1) * 64), buffers_(buffer_count) {
    io_uring_params params{};
    params.flags = IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER
                   | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE
                   | IORING_SETUP_SUBMIT_ALL;
    params.cq_entries = completions;
    check(io_uring_queue_init_params(entries, &ring_, &params), "io_uring_setup");
    io_uring_register_ring_fd(&ring_);
    memory_ = static_cast<char*>(map(stride_ * buffer_count_));
    provided_ = static_cast<io_uring_buf_ring*>(map(sizeof(io_uring_buf) * buffer_count_));
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<uintptr_t>(provided_);
    registration.ring_entries = buffer_count_;
    check(io_uring_register_buf_ring(&ring_, &registration, 0), "io_uring_register_buf_ring");
    io_uring_buf_ring_init(provided_);
    for (unsigned id = 0; id < buffer_count_; ++id)
      provide(id);
  }

  [[noreturn]] void run() {
    arm_accept();
    for (;;) {
      provide_returned();
      auto result = poll_ ? io_uring_submit_and_get_events(&ring_)
                          : io_uring_submit_and_wait(&ring_, 1);
      if (result != -EINTR && result != -EBUSY)
        check(result, "io_uring_enter");
      submitted();
      io_uring_cqe* entry = nullptr;
      unsigned head = 0;
      unsigned seen = 0;
      io_uring_for_each_cqe(&ring_, head, entry) {
        ++seen;
        complete(*entry);
      }
      io_uring_cq_advance(&ring_, seen);
    }
  }

private:
  static void check(int result, const char* what) {
    if (result < 0)
      peer::die(what, -result);
  }

  static void* map(size_t size) {
    auto* result = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (result == MAP_FAILED)
      peer::die("mmap", errno);
    return result;
  }

  char* data_of(unsigned id) const {
    return memory_ + stride_ * id;
  }

  void provide(unsigned id) {
    io_uring_buf_ring_add(provided_, data_of(id), static_cast<unsigned>(buffer_size_),
                          static_cast<uint16_t>(id), static_cast<int>(buffer_count_ - 1),
                          returned_++);
  }

  void provide_returned() {
    if (returned_ == 0)
      return;
    io_uring_buf_ring_advance(provided_, returned_);
    returned_ = 0;
    for (auto* c : std::exchange(starved_, {})) {
      c->starved = false;
      arm_receive(*c);
    }
  }

  void release(unsigned id) {
    if (--buffers_[id].uses == 0)
      provide(id);
  }

  /// Releases the buffers of sends that do not wait: those are done once they are submitted.
  void submitted() {
    ++submission_;
    for (auto id : std::exchange(submitted_uses_, {}))
      release(id);
  }

  io_uring_sqe* next_entry() {
    auto* entry = io_uring_get_sqe(&ring_);
    while (entry == nullptr) {
      check(io_uring_submit(&ring_), "io_uring_submit");
      submitted();
      entry = io_uring_get_sqe(&ring_);
    }
    return entry;
  }

  /// Stores the operation in bits that an address leaves free.
  static void tag(io_uring_sqe* entry, operation op, client* c) {
    entry->user_data = reinterpret_cast<uintptr_t>(c) | (static_cast<uint64_t>(op) << 56);
  }

  void arm_accept() {
    auto* entry = next_entry();
    io_uring_prep_multishot_accept(entry, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    tag(entry, operation::accept, nullptr);
  }

  void arm_receive(client& c) {
    auto* entry = next_entry();
    io_uring_prep_recv_multishot(entry, c.fd, nullptr, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    tag(entry, operation::receive, &c);
  }

  void complete(const io_uring_cqe& entry) {
    constexpr auto address = (uint64_t{1} << 56) - 1;
    auto* c = reinterpret_cast<client*>(entry.user_data & address);
    switch (static_cast<operation>(entry.user_data >> 56)) {
    case operation::accept:
      if (entry.res >= 0)
        add_client(entry.res);
      if ((entry.flags & IORING_CQE_F_MORE) == 0)
        arm_accept();
      break;
    case operation::receive:
      on_received(*c, entry);
      break;
    case operation::send:
      if (entry.res == -EAGAIN)
        peer::die("a socket had no room for what was thought to fit", EAGAIN);
      break;
    case operation::waiting_send:
      c->sending = false;
      release(c->unsent.front());
      c->unsent.pop_front();
      send_queued(*c);
      end_if_done(*c);
      break;
    }
  }

  void add_client(int fd) {
    auto owned = std::make_unique<client>();
    auto& c = *owned;
    c.fd = fd;
    peer::raise_send_buffer(fd, buffer_size_);
    int granted = 0;
    socklen_t length = sizeof granted;
    getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &granted, &length);
    c.send_buffer = granted;
    clients_.emplace(fd, std::move(owned));
    arm_receive(c);
  }

  void on_received(client& c, const io_uring_cqe& entry) {
    auto more = (entry.flags & IORING_CQE_F_MORE) != 0;
    auto with_buffer = (entry.flags & IORING_CQE_F_BUFFER) != 0;
    auto id = entry.flags >> IORING_CQE_BUFFER_SHIFT;
    if (entry.res > 0) {
      buffers_[id] = {static_cast<unsigned>(entry.res), 1};
      pass_on(c, id);
      release(id);
      if (!more)
        arm_receive(c);
      return;
    }
    if (with_buffer)
      provide(id);
    if (entry.res == -ENOBUFS) {
      if (!c.starved)
        starved_.push_back(&c);
      c.starved = true;
    } else if (!more) {
      c.ended = true;
      end_if_done(c);
    }
  }

  void pass_on(client& from, unsigned id) {
    if (!broadcast_)
      return queue(from, id);
    for (auto& to : clients_)
      if (!to.second->ended)
        queue(*to.second, id);
  }

  void queue(client& to, unsigned id) {
    ++buffers_[id].uses;
    to.unsent.push_back(id);
    send_queued(to);
  }

  bool has_room(client& c) {
    if (c.prepared_in != submission_) {
      c.prepared_in = submission_;
      c.prepared = 0;
    }
    if (c.credit <= 0) {
      int queued = 0;
      if (ioctl(c.fd, SIOCOUTQ, &queued) != 0)
        return false;
      c.credit = c.send_buffer - queued - c.prepared;
    }
    return c.credit > 0;
  }

  void send_queued(client& c) {
    while (!c.unsent.empty() && !c.sending) {
      auto id = c.unsent.front();
      auto at_once = has_room(c);
      auto* entry = next_entry();
      io_uring_prep_send(entry, c.fd, data_of(id), buffers_[id].length,
                         MSG_NOSIGNAL | (at_once ? MSG_DONTWAIT : 0));
      tag(entry, at_once ? operation::send : operation::waiting_send, &c);
      if (!at_once) {
        c.sending = true;
        return;
      }
      if (c.prepared_in != submission_) { // next_entry has submitted, since none was free
        c.prepared_in = submission_;
        c.prepared = 0;
      }
      entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
      c.credit -= cost_of(buffers_[id].length);
      c.prepared += cost_of(buffers_[id].length);
      submitted_uses_.push_back(id);
      c.unsent.pop_front();
    }
  }

  void end_if_done(client& c) {
    if (!c.ended || c.sending)
      return;
    check(io_uring_submit(&ring_), "io_uring_submit");
    submitted();
    for (auto id : c.unsent)
      release(id);
    close(c.fd);
    clients_.erase(c.fd);
  }

  io_uring ring_{};
  int listener_;
  bool broadcast_;
  bool poll_;
  unsigned buffer_count_;
  size_t buffer_size_;
  /// An odd number of cache lines, so that buffers do not meet in the same cache sets.
  size_t stride_;
  char* memory_ = nullptr;
  io_uring_buf_ring* provided_ = nullptr;
  int returned_ = 0;
  uint64_t submission_ = 1;
  std::vector<buffer> buffers_;
  std::vector<unsigned> submitted_uses_;
  std::vector<client*> starved_;
  std::unordered_map<int, std::unique_ptr<client>> clients_;
};

} // namespace

int main(int argc, char** argv) {
  auto args = peer::parse(argc, argv);
  server self{peer::listen_at(args.path, SOCK_SEQPACKET), args.has("--broadcast"),
              args.has("--poll"), static_cast<unsigned>(args.number("--buffers", most_buffers)),
              args.number("--largest", peer::largest_message)};
  peer::announce(args.path);
  self.run();
}
