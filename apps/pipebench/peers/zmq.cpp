// ZeroMQ over ipc: a ROUTER that returns what it receives.
// --broadcast: PUB at PATH sends what PULL at PATH.in receives.

#include "peer.hpp"

#include <zmq.h>

namespace {

void check(int result, const char* what) {
  if (result < 0) {
    std::fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    std::exit(1);
  }
}

void* open(void* context, int type, const std::string& path) {
  auto* result = zmq_socket(context, type);
  // Without a limit no message is dropped; the load bounds what is in flight.
  int no_limit = 0;
  check(zmq_setsockopt(result, ZMQ_SNDHWM, &no_limit, sizeof no_limit), "ZMQ_SNDHWM");
  check(zmq_setsockopt(result, ZMQ_RCVHWM, &no_limit, sizeof no_limit), "ZMQ_RCVHWM");
  int backlog = 4096;
  check(zmq_setsockopt(result, ZMQ_BACKLOG, &backlog, sizeof backlog), "ZMQ_BACKLOG");
  check(zmq_bind(result, ("ipc://" + path).c_str()), "zmq_bind");
  return result;
}

/// Passes on every message part from one socket to another, which may be the same.
[[noreturn]] void forward(void* from, void* to) {
  zmq_msg_t part;
  for (;;) {
    check(zmq_msg_init(&part), "zmq_msg_init");
    check(zmq_msg_recv(&part, from, 0), "zmq_msg_recv");
    auto more = zmq_msg_more(&part) != 0 ? ZMQ_SNDMORE : 0;
    check(zmq_msg_send(&part, to, more), "zmq_msg_send");
  }
}

} // namespace

int main(int argc, char** argv) {
  auto args = peer::parse(argc, argv);
  auto* context = zmq_ctx_new();
  check(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 16384), "ZMQ_MAX_SOCKETS");
  if (args.has("--broadcast")) {
    auto* in = open(context, ZMQ_PULL, args.path + ".in");
    auto* out = open(context, ZMQ_PUB, args.path);
    peer::announce(args.path);
    forward(in, out);
  }
  auto* server = open(context, ZMQ_ROUTER, args.path);
  peer::announce(args.path);
  forward(server, server);
}
