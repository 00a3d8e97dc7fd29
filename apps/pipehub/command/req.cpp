#include "command/commands.hpp"
#include "command/shared_options.hpp"
#include "common/options.hpp"
#include "common/report.hpp"

#include <memory>

namespace pipehub {

namespace {

constexpr std::chrono::duration<double> default_timeout{10.0};

/// What the command line says.
struct req_command {
  hub_address hub;
  std::string topic;
  std::string payload;
  std::optional<std::chrono::duration<double>> timeout = default_timeout;
};

/// The answer, which the client's thread sets before the task is done.
struct req_answer {
  std::string payload;
  /// Empty, or why the one who answers could not.
  std::string failure;
};

/// Reads standard input to its end.
/// @returns false if a signal came first
bool read_payload(console& terminal, std::string& payload) {
  std::string chunk;
  payload.clear();
  for (;;) {
    switch (terminal.wait({true, false})) {
    case console::event::input:
      if (!terminal.read(chunk))
        return true;
      payload += chunk;
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

client_task make_task(const std::string& response_topic,
                      const std::shared_ptr<req_answer>& answer) {
  client_task task;
  task.subscriptions.emplace_back(response_topic, uint8_t{1});
  task.received = [answer](mqtt_client&, const mqtt::publish& x) {
    answer->payload = x.payload;
    x.properties.for_each([&](const mqtt::property& next) {
      if (next.id == mqtt::property_id::user_property && next.text == "error")
        answer->failure = next.value;
    });
    return false;
  };
  return task;
}

publication make_request(const req_command& command, const std::string& payload,
                         const std::string& response_topic) {
  publication request;
  request.topic = command.topic;
  request.payload = payload;
  request.qos = 1;
  mqtt::property_builder properties;
  properties.add(mqtt::property_id::response_topic, response_topic);
  request.properties = properties.view().raw();
  return request;
}

/// Reports why there is no answer, if there is none.
int verdict(const hub_client::status& end, bool is_late, const std::string& topic) {
  if (end.refused > 0) {
    report("the request was refused: " + std::string{mqtt::to_string(end.refusal)});
    return failed_exit;
  }
  if (end.unheard > 0) {
    report("nobody listens on " + topic);
    return unheard_exit;
  }
  if (is_late) {
    report("no answer came in time");
    return late_exit;
  }
  return end.is_done ? 0 : failed_exit;
}

int run(const req_command& command) {
  // Before any thread is made, and outlives the client.
  console terminal;
  auto payload = command.payload;
  if (payload == "-" && !read_payload(terminal, payload))
    return failed_exit;
  auto deadline = end_of(command.timeout);
  auto answer = std::make_shared<req_answer>();
  auto response_topic = "pipehub/answer/" + make_client_id();
  hub_client client{terminal, command.hub, make_task(response_topic, answer)};
  if (!client.start())
    return failed_exit;
  client.publish({make_request(command, payload, response_topic)});
  auto is_late = false;
  for (;;) {
    auto now = client.now();
    if (now.is_done || now.refused > 0 || now.unheard > 0 || !now.failure.empty())
      break;
    is_late = console::clock::now() >= deadline;
    if (is_late || terminal.wait({}, deadline) == console::event::interrupted)
      break;
  }
  auto end = client.now();
  if (auto code = end_client(client, terminal); code != 0)
    return code;
  if (auto code = verdict(end, is_late, command.topic); code != 0)
    return code;
  terminal.write(answer->payload + '\n');
  if (!answer->failure.empty()) {
    report("the one who answered failed: " + answer->failure);
    return failed_exit;
  }
  return terminal.write_error() == 0 ? 0 : fail_to_print(terminal.write_error());
}

// -- the command line -------------------------------------------------------------------------

const char* help = R"(Examples:
  pipehub req sum '1 2 3'
      asks who listens on sum, and prints the answer
  pipehub req sum - -W 1 < numbers.txt
      sends standard input, and waits for a second at most

The exit code is 0 if an answer came, 4 if nobody listens on TOPIC (which the hub says at once),
3 if no answer came in time, and 1 if something else failed; then a line on standard error says
why.)";

} // namespace

command add_req(CLI::App& tool) {
  auto options = std::make_shared<req_command>();
  auto& app = *tool.add_subcommand("req", "Ask and print the answer");
  app.footer(help);
  app.add_option("TOPIC", options->topic, "Where to ask.")
    ->required()
    ->check(CLI::Validator{check_topic, ""})
    ->type_name("");
  app.add_option("PAYLOAD", options->payload, "The request; -: standard input.")
    ->required()
    ->type_name("");
  add_timeout(app, options->timeout, "How long to wait for the answer (default 10).");
  add_hub(app, options->hub);
  return {&app, [options] { return run(*options); }};
}

} // namespace pipehub
