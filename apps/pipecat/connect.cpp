#include "commands.hpp"
#include "common/lines.hpp"
#include "common/options.hpp"
#include "common/report.hpp"
#include "conversation.hpp"

#include <pipeactor/all.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

using namespace pipeactor;
using namespace std::chrono_literals;

namespace {

using seconds = std::chrono::duration<double>;

/// `--linger` if it is not given.
constexpr seconds linger = 500ms;
/// The same if replies are expected (`--expect`).
constexpr seconds linger_for_expected = 5s;
/// How long the server may leave our messages unread, whatever `--linger` is.
constexpr seconds send_patience = 5s;
/// How long printing the last replies may take.
constexpr auto print_patience = 2s;

/// What the command line says.
struct connect_command {
  context_options context;
  client_options client;
  std::string pipe_name;
  /// How long to try while the server is busy.
  seconds timeout = 5s;
  /// Once standard input has ended: the silence after which the command ends.
  std::optional<seconds> linger;
  /// Once standard input has ended: the number of replies after which the command ends. 0: any
  /// number may come.
  uint64_t expect = 0;
  /// Standard input is one message.
  bool whole = false;
};

/// Prints what the server sends, and records events in `talk`. Ends at `stop`.
caf::behavior listener(caf::event_based_actor* self, console* terminal, conversation* talk,
                       pipe_mode mode) {
  auto on_received = [=](const message_received& e) {
    std::string text{e.data.text()};
    uint64_t replies = 1;
    if (mode == pipe_mode::message)
      text += '\n';
    else // a reply is a line
      replies = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
    terminal->write(text);
    talk->replied(replies);
  };
  auto size_of = [](const pipeactor::cookie& x) { return *x.get_if<uint64_t>(); };
  auto on_sent = [=](const message_sent& e) { talk->sent(size_of(e.cookie)); };
  auto on_failed = [=](const message_failed& e) { talk->failed(size_of(e.cookie), e.error); };
  auto on_connected = [=](const connected&) { talk->connected(); };
  auto on_connect_failed = [=](const connect_failed& e) { talk->ended(e.error); };
  auto on_disconnected = [=](const disconnected& e) { talk->ended(e.reason); };
  auto on_stop = [=](const stop&) { self->quit(); };
  return event_handlers(on_connected, on_connect_failed, on_received, on_sent, on_failed,
                        on_disconnected, on_stop);
}

/// Turns standard input into messages.
class sender {
public:
  sender(const connect_command& command, named_pipe_connection connection, conversation& talk)
      : whole_(command.whole), bytes_(command.client.mode == pipe_mode::byte),
        connection_(std::move(connection)), talk_(talk) {}

  void feed(const std::string& chunk) {
    if (whole_)
      input_ += chunk;
    else if (bytes_)
      send(chunk);
    else
      lines_.feed(chunk, [this](std::string_view line) { send(line); });
  }

  void finish() {
    send(input_);
    lines_.finish([this](std::string_view line) { send(line); });
  }

private:
  void send(std::string_view text) {
    if (text.empty()) // writing nothing has no effect, and raises no event
      return;
    talk_.written(text.size());
    connection_.async_write(payload{text}, pipeactor::cookie::of(uint64_t{text.size()}));
  }

  bool whole_;
  bool bytes_;
  named_pipe_connection connection_;
  conversation& talk_;
  std::string input_;
  line_cutter lines_;
};

// -- the end ----------------------------------------------------------------------------------

/// Returns the time at which the conversation ends unless the server is heard before.
console::clock::time_point end_of_silence(const connect_command& command,
                                          const conversation::status& now,
                                          console::clock::time_point input_ended) {
  if (!now.connected) // connect_failed comes at --timeout
    return console::clock::time_point::max();
  auto patience = command.linger.value_or(command.expect > 0 ? linger_for_expected : linger);
  if (now.unsent > 0)
    patience = std::max(patience, send_patience);
  return std::max(now.last_sign, input_ended)
         + std::chrono::duration_cast<console::clock::duration>(patience);
}

bool has_all(const connect_command& command, const conversation::status& now) {
  return command.expect > 0 && now.replies >= command.expect;
}

/// Sends standard input, and returns when there is nothing left to wait for.
/// @returns false if a signal, or the end of standard output, cut the conversation short
bool talk_to_server(const connect_command& command, console& terminal, conversation& talk,
                    sender& output) {
  std::string chunk;
  auto reading = true;
  console::clock::time_point input_ended;
  for (;;) {
    auto now = talk.now();
    if (now.ended || (!reading && now.unsent == 0 && has_all(command, now)))
      return true;
    auto deadline = reading ? console::clock::time_point::max()
                            : end_of_silence(command, now, input_ended);
    if (console::clock::now() >= deadline)
      return true;
    switch (terminal.wait({reading && now.has_room(), true}, deadline)) {
    case console::event::input:
      reading = terminal.read(chunk);
      if (reading) {
        output.feed(chunk);
      } else {
        input_ended = console::clock::now();
        output.finish();
      }
      break;
    case console::event::notified:
      if (terminal.output_broken())
        return false;
      break;
    case console::event::timeout:
      break;
    case console::event::output_gone:
    case console::event::interrupted:
      return false;
    }
  }
}

/// Reports what went wrong in a conversation that was not cut short.
/// @returns the exit code
int verdict(const connect_command& command, const conversation::status& end) {
  if (end.ended && !end.connected)
    return fail(end.reason);
  if (auto count = end.lost + end.unsent; count > 0) {
    report(std::to_string(count) + (count == 1 ? " message was" : " messages were")
           + " not sent: " + (end.lost > 0 ? describe(end.loss) : "the server does not read"));
    return 1;
  }
  if (command.expect > end.replies) {
    report(std::to_string(end.replies) + " of " + std::to_string(command.expect)
           + " expected replies came" + (end.ended ? ": " + describe(end.reason) : std::string{}));
    return 1;
  }
  if (end.ended && code_of(end.reason) != errc::closed_by_peer)
    return fail(end.reason);
  return 0;
}

int run(const connect_command& command) {
  // Both outlive the system, whose end waits for the actor that uses them.
  console terminal;
  conversation talk{terminal, command.expect};
  caf::actor_system_config config;
  let_scheduler_sleep(config);
  caf::actor_system system{config};
  context ctx{system, command.context};
  // The listener has a thread of its own, since standard output may block.
  auto listening = system.spawn<caf::detached>(listener, &terminal, &talk, command.client.mode);
  auto manager = ctx.spawn_client_manager(command.client, listening);
  auto connection = manager.connect(command.pipe_name,
                                    std::chrono::duration_cast<caf::timespan>(command.timeout));
  if (!connection) {
    caf::anon_send(listening, stop{});
    return fail_to_begin(connection.error(), ctx, command.context.port);
  }
  sender output{command, *connection, talk};
  auto complete = talk_to_server(command, terminal, talk, output);
  auto end = talk.now();
  manager.stop();
  terminal.stop_writing_at(console::clock::now() + print_patience);
  caf::anon_send(listening, stop{});
  if (auto code = terminal.write_error(); code != 0)
    return fail_to_print(code);
  return complete ? verdict(command, end) : 0;
}

// -- the command line -------------------------------------------------------------------------

const char* help = R"(Examples:
  pipecat connect my_service
      type lines, read the answers; end with Ctrl-D
  printf 'a\nb\n' | pipecat connect my_service --expect 2
      sends two messages, and ends when two replies have come
  pipecat connect my_service --whole < report.txt > answer.txt
      sends one message
  pipecat connect my_service --trust list:postgres
      lets user postgres run the server; without --trust only you or root may, since another
      user could take the name first

The exit code is 0 if everything was sent and all expected replies came, otherwise 1; then a
line on standard error says why (e.g. no such pipe, busy, access denied). Empty lines are not
sent. In byte mode, standard input is sent as it is, replies are printed as they are, and
--expect counts lines.)";

template <class Seconds>
void add_seconds(CLI::App& app, const char* option, Seconds& value, const char* about) {
  app
    .add_option_function<double>(
      option, [&value](double x) { value = seconds{x}; }, about)
    ->check(CLI::Range(0.0, 1e6).description(""))
    ->type_name("SECONDS");
}

} // namespace

command add_connect(CLI::App& tool) {
  auto options = std::make_shared<connect_command>();
  auto& app = *tool.add_subcommand("connect", "Send lines to a pipe and print what comes back");
  app.footer(help);
  add_name(app, options->pipe_name);
  add_mode(app, options->client.mode);
  add_seconds(app, "--timeout", options->timeout,
              "How long to keep trying while the server is busy\n(default 5).");
  app.add_flag("--whole", options->whole,
               "Send all of standard input as one message. Otherwise\neach line is a message.");
  app
    .add_option("--expect", options->expect,
                "Once standard input has ended, wait for this many\n"
                "replies in all (default 0: do not count them).")
    ->check(not_negative())
    ->type_name("N");
  add_seconds(app, "--linger", options->linger,
              "Once standard input has ended, wait for replies until\n"
              "none has come for that long (default 0.5; 5 with\n--expect).");
  add_access(app, "--trust", options->client.trusted_servers,
             "Who may run the server, as for listen --access (default\n"
             "owner: you or root). Nothing is sent to anyone else.");
  add_port(app, options->context);
  return {&app, [options] { return run(*options); }};
}
