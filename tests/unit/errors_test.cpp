#include "base/errors.hpp"

#include <catch2/catch.hpp>

using namespace pipeactor;

TEST_CASE("an error says what failed, and the advice of its code") {
  CHECK(describe(errors::failed(errc::pipe_busy, "cannot connect to x"))
        == "pipe_busy: cannot connect to x: " + describe(errc::pipe_busy));
}

TEST_CASE("an advice of its own takes the place of the code's") {
  auto err = errors::failed(errc::not_a_pipe, "cannot connect to x", 0, "it is a file");
  CHECK(describe(err) == "not_a_pipe: cannot connect to x: it is a file");
  CHECK(os_code_of(err) == 0);
  CHECK(os_code_of(errors::failed(errc::os_error, "cannot read", 5)) == 5);
}

TEST_CASE("errors with parameters name them") {
  CHECK(describe(errors::received_too_large(11, 10))
        == "message_too_large: the peer sent a message of 11 bytes, max_message_size is 10: raise "
           "it here, or let the peer send less");
  CHECK(describe(errors::option_out_of_range("num_threads", 0, 1, 1024))
        == "invalid_option: num_threads is 0: use 1 to 1024");
  CHECK(describe(errors::invalid_pipe_name("has a slash"))
        == "invalid_pipe_name: the pipe name has a slash: choose another one");
  CHECK(describe(errors::no_such_principal("user", "eve", "use a number"))
        == "invalid_option: there is no user named 'eve': use a number");
}

TEST_CASE("a peer that leaves something unread resets, another one closes") {
  CHECK(code_of(errors::closed_by_peer(true)) == errc::peer_reset);
  CHECK(code_of(errors::closed_by_peer(false)) == errc::closed_by_peer);
}
