#include "console.hpp"
#include "listen.hpp"
#include "tool.hpp"

#include <CLI/CLI.hpp>

#include <exception>

using namespace pipeactor;

namespace {

constexpr int usage_error = 2;

const std::map<std::string, pipe_mode> modes = {
  {"message", pipe_mode::message},
  {"byte", pipe_mode::byte},
};

const std::map<std::string, port_kind> ports = {
  {"auto", port_kind::automatic},
  {"io_uring", port_kind::io_uring},
  {"epoll", port_kind::epoll},
};

/// Adds an option whose value is one of `names`.
template <class Enum>
void add_choice(CLI::App& app, const char* option, Enum& value,
                const std::map<std::string, Enum>& names, const char* help) {
  app
    .add_option_function<std::string>(
      option, [&value, &names](const std::string& name) { value = names.at(name); }, help)
    ->check(CLI::IsMember(names).description(""))
    ->type_name("WORD");
}

// -- options of both commands ----------------------------------------------------------------

void add_name(CLI::App& app, std::string& name) {
  app
    .add_option("NAME", name,
                "The pipe's name, e.g. my_service: a socket in a directory of yours. One that "
                "starts with / is used as a path")
    ->required();
}

void add_mode(CLI::App& app, pipe_mode& mode) {
  add_choice(app, "--mode", mode, modes,
             "message (each write arrives as one message) or byte (a stream: what nc, curl and "
             "node speak). Default: message");
}

void add_port(CLI::App& app, context_options& options) {
  add_choice(app, "--port", options.port, ports,
             "auto, io_uring or epoll. Default: auto, which is io_uring where it works");
  app
    .add_option_function<int64_t>(
      "--spin-us",
      [&options](int64_t value) { options.spin = std::chrono::microseconds{value}; },
      "Poll that many microseconds before sleeping: a lone message is answered sooner, at "
      "the cost of CPU time. Default: 0")
    ->check(CLI::Range(int64_t{0}, int64_t{1000000}).description(""))
    ->type_name("N");
}

// -- listen ------------------------------------------------------------------------------------

const char* listen_examples = R"(Examples:
  pipecat listen my_service
      prints what clients send; type a line to send it to all of them
  pipecat listen my_service --echo
      try it: echo hello | pipecat connect my_service --expect 1
  tail -f /var/log/syslog | pipecat listen log
      every client sees the log from now on: pipecat connect log
  pipecat listen /tmp/stream --echo --mode byte
      try it: echo hello | nc -N -U /tmp/stream

The line LISTENING <path> tells that clients may connect. Ends at SIGINT or SIGTERM.
Empty lines of standard input are not sent. Plain listen and --broadcast go at the speed of
the slowest client; one that does not read at all is soon gone past, and is disconnected
when 16 MiB or 65536 messages wait for it.)";

void add_listen(CLI::App& tool, listen_command& command) {
  auto& app = *tool.add_subcommand("listen", "Serve a pipe: print, echo or broadcast what clients send");
  app.footer(listen_examples);
  add_name(app, command.server.pipe_name);
  auto* echo = app.add_flag("--echo", command.echo, "Return each message to its client");
  app.add_flag("--broadcast", command.broadcast, "Send each message to every client")
    ->excludes(echo);
  app
    .add_flag("--marshalled", command.marshalled,
              "With --echo: through one ordinary actor for all clients, in place of a session "
              "per client; to compare the two")
    ->needs(echo);
  add_mode(app, command.server.mode);
  add_port(app, command.context);
  app
    .add_option("--threads", command.server.num_threads,
                "I/O threads that share the clients. Default: 1")
    ->check(CLI::NonNegativeNumber.description(""))
    ->type_name("N");
  app
    .add_option("--max-message", command.server.max_message_size,
                "Longest message to take or send; a client that sends more is disconnected. "
                "Default: what the system grants, at most 4 MiB")
    ->check(CLI::NonNegativeNumber.description(""))
    ->type_name("BYTES");
  app.add_flag("-v,--verbose", command.verbose,
               "Tell on standard error who connects, and why they leave");
}

int run_tool(int argc, char** argv) {
  CLI::App tool{"Talks over named pipes of pipeactor, as a server or as a client."};
  tool.name("pipecat");
  tool.require_subcommand(1);
  tool.footer("More: pipecat listen --help, pipecat connect --help");
  listen_command listen;
  add_listen(tool, listen);
  try {
    tool.parse(argc, argv);
  } catch (const CLI::ParseError& err) {
    return tool.exit(err) == 0 ? 0 : usage_error;
  }
  console terminal;
  return run(listen, terminal);
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run_tool(argc, argv);
  } catch (const std::exception& err) {
    print_error(err.what());
    return 1;
  }
}
