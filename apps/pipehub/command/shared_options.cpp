#include "command/shared_options.hpp"

#include "codec/topic_rules.hpp"
#include "codec/utf8.hpp"
#include "common/options.hpp"
#include "common/report.hpp"

#include <cstdio>

using namespace pipeactor;

namespace pipehub {

void add_mode(CLI::App& app, pipe_mode& mode) {
  auto set_mode = [&mode](const std::string& word) {
    mode = word == "byte" ? pipe_mode::byte : pipe_mode::message;
  };
  app
    .add_option_function<std::string>("--mode", set_mode,
                                      "byte: a stream, as all MQTT clients use (default);\n"
                                      "message: each message holds one or more whole packets.")
    ->check(CLI::IsMember({"byte", "message"}).description(""))
    ->type_name("WORD");
}

void add_hub(CLI::App& app, hub_address& hub) {
  hub.client.mode = pipe_mode::byte;
  app.add_option("--pipe", hub.pipe_name, "The hub's pipe (default pipehub).")->type_name("NAME");
  add_mode(app, hub.client.mode);
  add_access(app, "--trust", hub.client.trusted_servers,
             "Who may run the hub, as for serve --access (default\n"
             "owner: you or root). Nothing is sent to anyone else.");
  add_port(app, hub.context);
}

void add_qos(CLI::App& app, uint8_t& qos, const char* help) {
  app
    .add_option_function<int>(
      "-q,--qos", [&qos](int value) { qos = static_cast<uint8_t>(value); }, help)
    ->check(CLI::Range(0, 2).description(""))
    ->type_name("0|1|2");
}

void add_timeout(CLI::App& app, std::optional<std::chrono::duration<double>>& value,
                 const char* help) {
  app
    .add_option_function<double>(
      "-W,--timeout", [&value](double x) { value = std::chrono::duration<double>{x}; }, help)
    ->check(CLI::Range(0.0, 1e6).description(""))
    ->type_name("SECONDS");
}

void add_announce(CLI::App& app, bool& value) {
  app.add_flag("--announce", value,
               "Print SUBSCRIBED on standard error as soon as messages\n"
               "may come, and after each return to the hub.");
}

console::clock::time_point end_of(const std::optional<std::chrono::duration<double>>& timeout) {
  if (!timeout)
    return console::clock::time_point::max();
  return console::clock::now() + std::chrono::duration_cast<console::clock::duration>(*timeout);
}

void announce_subscription() {
  std::fputs("SUBSCRIBED\n", stderr);
  std::fflush(stderr);
}

std::string check_topic_filter(const std::string& filter) {
  if (filter.size() > mqtt::longest_text || mqtt::check_utf8(filter) != mqtt::utf8_fault::none)
    return "is too long, or no UTF-8 text: " + filter;
  auto is_shared = filter.rfind("$share/", 0) == 0;
  if (auto error = is_shared ? mqtt::check_shared(filter) : mqtt::check_filter(filter))
    return std::string{error->text} + ": " + filter;
  return {};
}

std::string check_topic(const std::string& topic) {
  if (mqtt::has_wildcard(topic))
    return "a topic has no wildcards: " + topic;
  return check_topic_filter(topic);
}

std::string check_share_name(const std::string& name) {
  if (name.find('/') != name.npos)
    return "the name of a group has no slash: " + name;
  return check_topic_filter("$share/" + name + "/x");
}

bool wait_for_task(hub_client& client, console& terminal, console::clock::time_point deadline) {
  for (;;) {
    auto now = client.now();
    if (now.is_done || !now.failure.empty())
      return false;
    if (console::clock::now() >= deadline)
      return true;
    switch (terminal.wait({false, true}, deadline)) {
    case console::event::input:
    case console::event::timeout:
      break;
    case console::event::notified:
      if (terminal.output_broken())
        return false;
      break;
    case console::event::output_gone:
    case console::event::interrupted:
      return false;
    }
  }
}

int end_client(hub_client& client, const console& terminal) {
  auto end = client.now();
  client.finish();
  if (!end.failure.empty()) {
    report(end.failure);
    return failed_exit;
  }
  if (auto code = terminal.write_error(); code != 0)
    return fail_to_print(code);
  return 0;
}

} // namespace pipehub
