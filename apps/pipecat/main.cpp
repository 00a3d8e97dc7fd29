#include "connect.hpp"
#include "console.hpp"
#include "list.hpp"
#include "listen.hpp"
#include "tool.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
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
  {"iocp", port_kind::iocp},
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

/// Unsigned numbers take a minus sign without a word.
CLI::Validator not_negative() {
  return {[](std::string& text) {
            return text.rfind('-', 0) == 0 ? "must not be negative: " + text : std::string{};
          },
          ""};
}

/// Adds an option that says who may be at the other end.
void add_access(CLI::App& app, const char* option, pipe_access& access, const char* help) {
  app
    .add_option_function<std::string>(
      option,
      [option, &access](const std::string& text) {
        auto parsed = pipe_access::parse(text);
        if (!parsed)
          throw CLI::ValidationError(option, describe(parsed.error()));
        access = *parsed;
      },
      help)
    ->type_name("WHO");
}

// -- options of both commands -----------------------------------------------------------------

void add_name(CLI::App& app, std::string& name) {
  app
    .add_option("NAME", name,
                "Name of the pipe, e.g. my_service: a socket in a\ndirectory of yours, or in "
                "/run/pipeactor where several\nusers share it. One that starts with / is a path.")
    ->required();
}

void add_mode(CLI::App& app, pipe_mode& mode) {
  add_choice(app, "--mode", mode, modes,
             "message: each write arrives as one message (default);\n"
             "byte: a stream, what nc, curl and node speak.");
}

void add_port(CLI::App& app, context_options& options) {
  add_choice(app, "--port", options.port, ports,
             "auto (default; io_uring where it works), io_uring or\nepoll.");
  app
    .add_option_function<int64_t>(
      "--spin-us", [&options](int64_t value) { options.spin = std::chrono::microseconds{value}; },
      "Poll that many microseconds before sleeping (default\n"
      "0): sooner answers, more CPU time.")
    ->check(CLI::Range(int64_t{0}, int64_t{1000000}).description(""))
    ->type_name("N");
}

template <class Seconds>
void add_seconds(CLI::App& app, const char* option, Seconds& value, const char* help) {
  app
    .add_option_function<double>(
      option, [&value](double x) { value = std::chrono::duration<double>{x}; }, help)
    ->check(CLI::Range(0.0, 1e6).description(""))
    ->type_name("S");
}

// -- listen -----------------------------------------------------------------------------------

const char* listen_examples = R"(Examples:
  pipecat listen my_service
      prints what clients send; type a line to send it to all of them
  pipecat listen my_service --echo
      try it: echo hello | pipecat connect my_service --expect 1
  tail -f /var/log/syslog | pipecat listen log
      every client sees the log from now on: pipecat connect log
  pipecat listen /tmp/stream --echo --mode byte
      try it: echo hello | nc -N -U /tmp/stream
  pipecat listen my_service --echo --access list:alice,@staff --events
      others may connect, and you see who does: user alice, the members of group staff.
      WHO is owner (default), group, group:NAME, everyone or a list: of users and @groups
      by name or number. Root and you are always admitted; who is not is disconnected.
      For all but owner the socket lies in /run/pipeactor, which an administrator makes:
      install -d -m 1777 /run/pipeactor

The line LISTENING <path> tells that clients may connect. Ends at SIGINT or SIGTERM.
Empty lines of standard input are not sent. Plain listen and --broadcast go at the speed of
the slowest client; one that does not read at all is soon gone past, and is disconnected
when 16 MiB or 65536 messages wait for it.)";

void add_listen(CLI::App& tool, listen_command& command) {
  auto& app = *tool.add_subcommand("listen",
                                   "Serve a pipe: print, echo or broadcast what clients send");
  app.footer(listen_examples);
  add_name(app, command.server.pipe_name);
  auto* echo = app.add_flag("--echo", command.echo, "Return each message to its client.");
  app.add_flag("--broadcast", command.broadcast, "Send each message to every client.")
    ->excludes(echo);
  app
    .add_flag("--marshalled", command.marshalled,
              "With --echo: one ordinary actor answers all clients, in\n"
              "place of a session for each; to compare the two.")
    ->needs(echo);
  add_mode(app, command.server.mode);
  add_port(app, command.context);
  app
    .add_option("--threads", command.server.num_threads,
                "I/O threads that share the clients (default 1).")
    ->check(not_negative())
    ->type_name("N");
  app
    .add_option("--max-message", command.server.max_message_size,
                "Longest message; a client that sends more is\n"
                "disconnected. Default: what the system grants, at most\n4 MiB.")
    ->check(not_negative())
    ->type_name("BYTES");
  add_access(app, "--access", command.server.access,
             "Who may connect: owner (default), group[:NAME],\neveryone, or "
             "list:USER,@GROUP,...; see below.");
  app.add_flag_callback(
    "-v,--verbose", [&command] { command.told = std::max(command.told, telling::clients); },
    "Tell on standard error who connects and why they leave:\nprocess, user and groups.");
  app.add_flag_callback(
    "--events", [&command] { command.told = telling::events; },
    "As -v, and a line for each message that is received,\nsent or failed.");
}

// -- connect ----------------------------------------------------------------------------------

const char* connect_examples = R"(Examples:
  pipecat connect my_service
      type lines, read the answers; end with Ctrl-D
  printf 'a\nb\n' | pipecat connect my_service --expect 2
      two messages; ends when two replies are there
  pipecat connect my_service --whole < report.txt > answer.txt
      one message
  pipecat connect my_service --trust list:postgres
      the server may be user postgres's; without it only yours or root's, since another
      user could be faster to take the name

Exits with 0 when all was sent and all expected replies came; with 1 and a reason when not,
or when the pipe cannot be opened (no such pipe, busy, access denied).
Empty lines are not sent. In byte mode standard input is sent as it is, what comes back is
printed as it is, and --expect counts lines.)";

CLI::App* add_connect(CLI::App& tool, connect_command& command) {
  auto& app = *tool.add_subcommand("connect", "Send lines to a pipe and print what comes back");
  app.footer(connect_examples);
  add_name(app, command.pipe_name);
  add_mode(app, command.client.mode);
  add_seconds(app, "--timeout", command.timeout,
              "How long to try while the server is busy (default 5).");
  app.add_flag("--whole", command.whole,
               "Send all of standard input as one message, not a\nmessage a line.");
  app
    .add_option("--expect", command.expect,
                "Once standard input has ended, wait for this many\nreplies in all.")
    ->check(not_negative())
    ->type_name("N");
  add_seconds(app, "--linger", command.linger,
              "How long a silence ends it, once standard input has\n"
              "ended (default 0.5; 5 with --expect).");
  add_access(app, "--trust", command.client.trusted_servers,
             "Who may run the server, as for listen --access (default\n"
             "owner: you or root). Nothing is sent to any other.");
  add_port(app, command.context);
  return &app;
}

// -- list -------------------------------------------------------------------------------------

const char* list_examples = R"(Examples:
  pipecat list
      all servers that live now, one name a line
  pipecat list 'log*'
      those whose name begins with log; quote it, or the shell takes the star
  pipecat list my_service && pipecat connect my_service
      connect where there is a server

Looks in your own directory and in /run/pipeactor, and connects to none: servers do not
notice. A pipe that is a path is not listed. Exits with 0 when there is one, else with 1.)";

CLI::App* add_list(CLI::App& tool, std::string& pattern) {
  auto& app = *tool.add_subcommand("list", "Print the names of the servers that live now");
  app.footer(list_examples);
  app.add_option("PATTERN", pattern,
                 "Which names: * stands for any number of characters,\n? for one (default *).");
  return &app;
}

int run_tool(int argc, char** argv) {
  CLI::App tool{"Talks over named pipes of pipeactor, as a server or as a client."};
  tool.name("pipecat");
  tool.set_version_flag("--version", PIPECAT_VERSION);
  tool.get_formatter()->column_width(22);
  tool.require_subcommand(1);
  tool.footer("More: pipecat listen --help, pipecat connect --help, pipecat list --help");
  listen_command listen;
  add_listen(tool, listen);
  connect_command connect;
  auto* connecting = add_connect(tool, connect);
  std::string pattern = "*";
  auto* listing = add_list(tool, pattern);
  try {
    tool.parse(argc, argv);
  } catch (const CLI::ParseError& err) {
    return tool.exit(err) == 0 ? 0 : usage_error;
  }
  if (*listing)
    return list(pattern);
  console terminal;
  return *connecting ? run(connect, terminal) : run(listen, terminal);
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run_tool(argc, argv);
  } catch (const std::exception& err) {
    report(err.what());
    return 1;
  }
}
