#include <pipeactor/error.hpp>
#include <pipeactor/options.hpp>
#include <pipeactor/payload.hpp>

#include <iostream>

int main() {
  auto text = pipeactor::payload{"hello"};
  auto err = pipeactor::check(pipeactor::server_options{});
  std::cout << text.text() << ": " << pipeactor::describe(err) << '\n';
  return pipeactor::code_of(err) == pipeactor::errc::missing_pipe_name ? 0 : 1;
}
