#include "connect.hpp"

#include "conversation.hpp"
#include "lines.hpp"
#include "tool.hpp"

#include <pipeactor/all.hpp>

#include <algorithm>

using namespace pipeactor;
using namespace std::chrono_literals;

namespace {

using seconds = std::chrono::duration<double>;

/// What `--linger` is without the option: where replies are counted they are waited for.
constexpr seconds linger = 500ms;
constexpr seconds linger_for_expected = 5s;
/// How long the server may let our messages lie, whatever `--linger` is.
constexpr seconds send_patience = 5s;
/// How long what was received may take to be printed in the end.
constexpr auto print_patience = 2s;

/// Prints what comes and keeps the conversation's books. `stop` ends it.
caf::behavior listener(caf::event_based_actor* self, console* terminal, conversation* talk,
                       pipe_mode mode) {
  auto size_of = [](const pipeactor::cookie& x) { return *x.get_if<uint64_t>(); };
  return event_handlers([=](const connected&) { talk->connected(); },
                        [=](const connect_failed& e) { talk->ended(e.error); },
                        [=](const message_received& e) {
                          std::string text{e.data.text()};
                          if (mode == pipe_mode::message)
                            text += '\n';
                          terminal->write(text);
                          // In byte mode a reply is a line.
                          talk->replied(
                            mode == pipe_mode::message
                              ? 1
                              : static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')));
                        },
                        [=](const message_sent& e) { talk->sent(size_of(e.cookie)); },
                        [=](const message_failed& e) { talk->failed(size_of(e.cookie), e.error); },
                        [=](const disconnected& e) { talk->ended(e.reason); },
                        [=](const stop&) { self->quit(); });
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
    if (text.empty()) // It would not be sent, and no event would tell.
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

// -- the end ---------------------------------------------------------------------------------

/// Until when a silence may last.
console::clock::time_point end_of_silence(const connect_command& command,
                                          const conversation::status& now,
                                          console::clock::time_point input_ended) {
  if (!now.connected) // connect_failed comes in time
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

/// Sends and waits until there is nothing more to wait for.
/// @returns false where a signal, or the end of standard output, cuts it short
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

/// Tells what went wrong in a conversation that was not cut short.
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

} // namespace

int run(const connect_command& command, console& terminal) {
  // Before the system, whose end waits for the actor that uses it.
  conversation talk{terminal, command.expect};
  tool_config config;
  caf::actor_system system{config};
  context ctx{system, command.context};
  // It has a thread of its own, since standard output may block.
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
