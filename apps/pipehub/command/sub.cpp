#include "command/commands.hpp"
#include "command/message_line.hpp"
#include "command/shared_options.hpp"
#include "common/options.hpp"
#include "common/report.hpp"

#include <memory>

namespace pipehub {

namespace {

/// What the command line says.
struct sub_command {
  hub_address hub;
  std::vector<std::string> filters;
  std::string share;
  uint8_t qos = 0;
  /// 0: any number.
  uint64_t count = 0;
  std::optional<std::chrono::duration<double>> timeout;
  bool announce = false;
  line_style style;
};

client_task make_task(const sub_command& command, console& terminal) {
  client_task task;
  for (auto& filter : command.filters)
    task.subscriptions.emplace_back(
      command.share.empty() ? filter : "$share/" + command.share + "/" + filter, command.qos);
  if (command.announce)
    task.subscribed = announce_subscription;
  auto left = std::make_shared<uint64_t>(command.count);
  // What arrives together is written together.
  auto output = std::make_shared<std::string>();
  task.handled = [&terminal, output] { terminal.write(std::exchange(*output, {})); };
  task.received = [output, left, style = command.style](mqtt_client&, const mqtt::publish& x) {
    if (auto lost = losses_before(x))
      report(std::to_string(lost) + " messages before this one were lost: take them faster");
    *output += line_of(x, style);
    return *left == 0 || --*left > 0;
  };
  return task;
}

int run(const sub_command& command) {
  // Before any thread is made, and outlives the client.
  console terminal;
  auto deadline = end_of(command.timeout);
  hub_client client{terminal, command.hub, make_task(command, terminal)};
  if (!client.start())
    return failed_exit;
  auto is_late = wait_for_task(client, terminal, deadline);
  if (auto code = end_client(client, terminal); code != 0)
    return code;
  return is_late && command.count != 0 ? late_exit : 0;
}

// -- the command line -------------------------------------------------------------------------

const char* help = R"(Examples:
  pipehub sub 'room/+' -v
      prints "room/1 warm" for each message
  pipehub sub '#' --json
      prints a JSON object for each message, with all of its properties
  pipehub sub jobs --share workers
      of all that say --share workers, one gets each message
  pipehub sub answer -C 1 -W 5
      waits 5 seconds for one message

+ stands for one level of a topic, # for all that follow. Losses, if the command is too slow, are
told on standard error; with --json the next message has them as "lost".

The exit code is 0 after -C messages, after -W seconds without -C, at SIGINT or SIGTERM, and if the
reader of standard output goes away; 3 if -W seconds were over before -C messages had come; 1 if
there is no hub, or if it refuses. If the hub goes away, the command waits until it is back.)";

} // namespace

command add_sub(CLI::App& tool) {
  auto options = std::make_shared<sub_command>();
  auto& app = *tool.add_subcommand("sub", "Print messages");
  app.footer(help);
  app.add_option("FILTER", options->filters, "What to subscribe to; several may be given.")
    ->required()
    ->check(CLI::Validator{check_topic_filter, ""})
    ->type_name("");
  add_qos(app, options->qos, "Highest quality of service (default 0).");
  app.add_option("--share", options->share, "Share the messages with all who name the same GROUP.")
    ->check(CLI::Validator{check_share_name, ""})
    ->type_name("GROUP");
  app.add_option("-C", options->count, "End after so many messages.")
    ->check(not_negative())
    ->type_name("N");
  add_timeout(app, options->timeout, "End after this time.");
  app.add_flag("-v", options->style.topic, "Print the topic and a space before each payload.");
  app.add_flag("--json", options->style.json, "Print each message as a JSON object.");
  add_announce(app, options->announce);
  add_hub(app, options->hub);
  return {&app, [options] { return run(*options); }};
}

} // namespace pipehub
