#include "client/child.hpp"
#include "command/commands.hpp"
#include "command/shared_options.hpp"
#include "common/report.hpp"

#include <memory>

namespace pipehub {

namespace {

/// What the command line says.
struct reply_command {
  hub_address hub;
  std::string filter;
  std::string share;
  bool echo = false;
  std::string exec;
  bool announce = false;
};

/// Returns the answer to a request.
/// @param error set if the request could not be answered
std::string answer_to(const reply_command& command, const mqtt::publish& request,
                      std::string& error) {
  std::string payload{request.payload};
  if (command.echo)
    return payload;
  auto result = run_child(command.exec, payload);
  error = result.failure;
  // A line feed at the end is the shell's.
  if (!result.output.empty() && result.output.back() == '\n')
    result.output.pop_back();
  return result.output;
}

client_task make_task(const reply_command& command) {
  client_task task;
  task.subscriptions.emplace_back(command.share.empty()
                                    ? command.filter
                                    : "$share/" + command.share + "/" + command.filter,
                                  uint8_t{1});
  if (command.announce)
    task.subscribed = announce_subscription;
  task.received = [command](mqtt_client& client, const mqtt::publish& request) {
    auto topic = request.properties.text(mqtt::property_id::response_topic);
    if (!topic) {
      report("a message on " + std::string{request.topic} + " asks for no answer");
      return true;
    }
    std::string error;
    publication answer;
    answer.topic = *topic;
    answer.qos = 1;
    answer.payload = answer_to(command, request, error);
    mqtt::property_builder properties;
    if (auto data = request.properties.text(mqtt::property_id::correlation_data))
      properties.add(mqtt::property_id::correlation_data, *data);
    if (!error.empty()) {
      properties.add_user("error", error);
      report("a request on " + std::string{request.topic} + " failed: " + error);
    }
    answer.properties = properties.view().raw();
    client.publish(std::move(answer));
    // The next request may take long.
    client.flush();
    return true;
  };
  return task;
}

int run(const reply_command& command) {
  // Before any thread is made, and outlives the client.
  console terminal;
  hub_client client{terminal, command.hub, make_task(command)};
  if (!client.start())
    return failed_exit;
  wait_for_task(client, terminal, console::clock::time_point::max());
  return end_client(client, terminal);
}

// -- the command line -------------------------------------------------------------------------

const char* help = R"(Examples:
  pipehub reply ping --echo
      answers each request with its own payload: pipehub req ping hello
  pipehub reply sum --exec "tr ' ' '+' | bc"
      the command gets the request on standard input, and prints the answer
  pipehub reply jobs --share workers --exec ./work
      of all that say --share workers, one gets each request

Requests are answered one after the other. If the command fails, the answer has the user property
"error" (e.g. "exit code 3"), and req exits with 1. A line feed at the end of what the command
prints is not part of the answer. SIGINT or SIGTERM ends reply with 0; if the hub goes away, it
waits until it is back.)";

} // namespace

command add_reply(CLI::App& tool) {
  auto options = std::make_shared<reply_command>();
  auto& app = *tool.add_subcommand("reply", "Answer requests");
  app.footer(help);
  app.add_option("FILTER", options->filter, "The topics of the requests.")
    ->required()
    ->check(CLI::Validator{check_topic_filter, ""})
    ->type_name("");
  auto* echo = app.add_flag("--echo", options->echo, "Answer with the payload of the request.");
  auto* exec = app.add_option("--exec", options->exec, "Answer with what a command prints.")
                 ->type_name("COMMAND");
  echo->excludes(exec);
  app.add_option("--share", options->share, "Share the requests with all who name the same GROUP.")
    ->check(CLI::Validator{check_share_name, ""})
    ->type_name("GROUP");
  add_announce(app, options->announce);
  add_hub(app, options->hub);
  app.callback([options] {
    if (!options->echo && options->exec.empty())
      throw CLI::ValidationError("reply", "one of --echo and --exec is needed");
  });
  return {&app, [options] { return run(*options); }};
}

} // namespace pipehub
