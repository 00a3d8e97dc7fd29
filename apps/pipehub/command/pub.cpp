#include "command/commands.hpp"
#include "command/shared_options.hpp"
#include "common/lines.hpp"
#include "common/options.hpp"
#include "common/report.hpp"

#include <algorithm>
#include <memory>

namespace pipehub {

namespace {

/// How many messages of `--count` are made at a time, and how many bytes.
constexpr uint64_t batch = 256;
constexpr uint64_t batch_bytes = 1 << 20;

/// What the command line says.
struct pub_command {
  hub_address hub;
  publication message;
  /// Not set, or "-": standard input is the payload.
  std::optional<std::string> payload;
  bool lines = false;
  uint64_t count = 1;

  bool reads_input() const {
    return !payload || *payload == "-";
  }
};

/// Makes the messages of a `pub`.
class pub_source {
public:
  pub_source(const pub_command& command, hub_client& client)
      : command_(command), client_(client), left_(command.reads_input() ? 0 : command.count) {
    if (!command.reads_input())
      payload_ = *command.payload;
  }

  /// Takes a piece of standard input.
  void feed(const std::string& chunk) {
    if (!command_.lines) {
      payload_ += chunk;
      return;
    }
    std::vector<publication> messages;
    lines_.feed(chunk, [&](std::string_view line) { messages.push_back(make(line)); });
    client_.publish(std::move(messages));
  }

  /// Standard input has ended.
  void finish() {
    if (!command_.lines) {
      left_ = command_.count;
      return;
    }
    std::vector<publication> messages;
    lines_.finish([&](std::string_view line) { messages.push_back(make(line)); });
    client_.publish(std::move(messages));
  }

  /// Publishes some of `--count`.
  void make_some() {
    std::vector<publication> messages;
    auto most = std::clamp<uint64_t>(batch_bytes / (payload_.size() + 1), 1, batch);
    for (auto count = std::min(left_, most); count > 0; --count, --left_)
      messages.push_back(make(payload_));
    client_.publish(std::move(messages));
  }

  bool has_more() const {
    return left_ > 0;
  }

private:
  publication make(std::string_view payload) const {
    auto result = command_.message;
    result.payload = payload;
    return result;
  }

  const pub_command& command_;
  hub_client& client_;
  line_cutter lines_;
  std::string payload_;
  uint64_t left_;
};

/// Publishes until there is nothing more to publish, and all is sent and answered.
/// @returns false if something cut it short
bool publish_all(const pub_command& command, console& terminal, hub_client& client) {
  pub_source source{command, client};
  std::string chunk;
  auto reading = command.reads_input();
  for (;;) {
    auto now = client.now();
    if (!now.failure.empty())
      return false;
    if (source.has_more() && now.has_room()) {
      source.make_some();
      continue;
    }
    if (!reading && !source.has_more() && now.unfinished == 0)
      return true;
    switch (terminal.wait({reading && now.has_room(), false})) {
    case console::event::input:
      reading = terminal.read(chunk);
      if (reading)
        source.feed(chunk);
      else
        source.finish();
      break;
    case console::event::notified:
    case console::event::timeout:
      break;
    case console::event::output_gone:
    case console::event::interrupted:
      return false;
    }
  }
}

std::string messages_of(size_t count) {
  return std::to_string(count) + (count == 1 ? " message was " : " messages were ");
}

int run(const pub_command& command) {
  // Before any thread is made, and outlives the client.
  console terminal;
  hub_client client{terminal, command.hub, {}};
  if (!client.start())
    return failed_exit;
  auto is_complete = publish_all(command, terminal, client);
  auto end = client.now();
  if (auto code = end_client(client, terminal); code != 0)
    return code;
  if (end.refused > 0)
    report(messages_of(end.refused) + "refused: " + mqtt::to_string(end.refusal));
  if (end.lost > 0)
    report(messages_of(end.lost) + "lost with the connection");
  if (end.unfinished > 0)
    report(messages_of(end.unfinished) + "not published: the command was interrupted");
  return is_complete && end.refused == 0 && end.lost == 0 ? 0 : failed_exit;
}

// -- the command line -------------------------------------------------------------------------

const char* help = R"(Examples:
  pipehub pub room/1 warm
  tail -f /var/log/syslog | pipehub pub log --lines
      publishes each line
  pipehub pub picture < picture.png
      publishes standard input as one message
  pipehub pub room/1 warm --retain --qos 1
      keeps the message for those who subscribe later

The exit code is 0 if all was sent (QoS 0) or answered by the hub (QoS 1 and 2), also if nobody
listens. It is 1 if something was refused or lost, or if there is no hub; then a line on standard
error says why. If the hub goes away, the command waits until it is back, and publishes again what
was not answered.)";

} // namespace

command add_pub(CLI::App& tool) {
  auto options = std::make_shared<pub_command>();
  auto& app = *tool.add_subcommand("pub", "Publish messages");
  app.footer(help);
  app.add_option("TOPIC", options->message.topic, "Where to publish, e.g. room/1.")
    ->required()
    ->check(CLI::Validator{check_topic, ""})
    ->type_name("");
  app
    .add_option_function<std::string>(
      "PAYLOAD", [options](const std::string& text) { options->payload = text; },
      "The message. Without it, or if it is -, standard input\nis the message.")
    ->type_name("");
  add_qos(app, options->message.qos, "Quality of service (default 0).");
  app.add_flag("-r,--retain", options->message.retain,
               "The hub keeps the message for later subscribers; an\nempty one removes it.");
  auto* lines = app.add_flag("-l,--lines", options->lines,
                             "Each line of standard input is a message.");
  app.add_option("--count", options->count, "Publish the message so many times (default 1).")
    ->check(not_negative())
    ->type_name("N")
    ->excludes(lines);
  add_hub(app, options->hub);
  app.callback([options] {
    if (options->lines && options->payload && *options->payload != "-")
      throw CLI::ValidationError("--lines", "reads standard input: leave PAYLOAD out");
  });
  return {&app, [options] { return run(*options); }};
}

} // namespace pipehub
