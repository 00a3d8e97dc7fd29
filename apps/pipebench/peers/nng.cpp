// nng over its IPC transport: a raw REP socket that returns what it receives.
// --broadcast: PUB at PATH sends what PULL at PATH.in receives.

#include "peer.hpp"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/reqrep0/rep.h>

namespace {

void check(int error, const char* what) {
  if (error != 0) {
    std::fprintf(stderr, "%s: %s\n", what, nng_strerror(error));
    std::exit(1);
  }
}

void listen(nng_socket socket, const std::string& path) {
  check(nng_listen(socket, ("ipc://" + path).c_str(), nullptr, 0), "nng_listen");
}

/// Passes on every message from one socket to another, which may be the same.
[[noreturn]] void forward(nng_socket from, nng_socket to) {
  for (;;) {
    nng_msg* message = nullptr;
    check(nng_recvmsg(from, &message, 0), "nng_recvmsg");
    check(nng_sendmsg(to, message, 0), "nng_sendmsg");
  }
}

} // namespace

int main(int argc, char** argv) {
  auto args = peer::parse(argc, argv);
  if (args.has("--broadcast")) {
    nng_socket in{};
    nng_socket out{};
    check(nng_pull0_open(&in), "nng_pull0_open");
    check(nng_pub0_open(&out), "nng_pub0_open");
    check(nng_socket_set_size(in, NNG_OPT_RECVMAXSZ, peer::largest_message), "RECVMAXSZ");
    check(nng_socket_set_int(out, NNG_OPT_SENDBUF, 1024), "SENDBUF");
    listen(in, args.path + ".in");
    listen(out, args.path);
    peer::announce(args.path);
    forward(in, out);
  }
  nng_socket server{};
  check(nng_rep0_open_raw(&server), "nng_rep0_open_raw");
  check(nng_socket_set_size(server, NNG_OPT_RECVMAXSZ, peer::largest_message), "RECVMAXSZ");
  check(nng_socket_set_int(server, NNG_OPT_RECVBUF, 1024), "RECVBUF");
  check(nng_socket_set_int(server, NNG_OPT_SENDBUF, 1024), "SENDBUF");
  listen(server, args.path);
  peer::announce(args.path);
  forward(server, server);
}
