#include "common/options.hpp"

#include <pipeactor/error.hpp>

#include <map>

using namespace pipeactor;

namespace {

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
  auto set = [&value, &names](const std::string& name) { value = names.at(name); };
  app.add_option_function<std::string>(option, set, help)
    ->check(CLI::IsMember(names).description(""))
    ->type_name("WORD");
}

} // namespace

void add_name(CLI::App& app, std::string& name) {
  app
    .add_option("NAME", name,
                "Name of the pipe, e.g. my_service: a socket in a\n"
                "directory of yours or, if several users share the pipe,\n"
                "in /run/pipeactor. A name that starts with / is a path.")
    ->required();
}

void add_mode(CLI::App& app, pipe_mode& mode) {
  add_choice(app, "--mode", mode, modes,
             "message: each write arrives as one message (default);\n"
             "byte: a stream, as nc, curl and node use.");
}

void add_port(CLI::App& app, context_options& options) {
  add_choice(app, "--port", options.port, ports,
             "What does the I/O: io_uring, epoll or auto (default),\n"
             "which is io_uring if it works here, else epoll. On\n"
             "Windows it is always iocp.");
  auto set_spin = [&options](int64_t value) { options.spin = std::chrono::microseconds{value}; };
  app
    .add_option_function<int64_t>("--spin-us", set_spin,
                                  "Microseconds to poll before sleeping (default 0): faster\n"
                                  "answers for more CPU time.")
    ->check(CLI::Range(int64_t{0}, int64_t{1000000}).description(""))
    ->type_name("N");
}

void add_access(CLI::App& app, const char* option, pipe_access& access, const char* help) {
  auto set = [option, &access](const std::string& text) {
    auto parsed = pipe_access::parse(text);
    if (!parsed)
      throw CLI::ValidationError(option, describe(parsed.error()));
    access = *parsed;
  };
  app.add_option_function<std::string>(option, set, help)->type_name("WHO");
}

CLI::Validator not_negative() {
  auto check = [](std::string& text) {
    return text.rfind('-', 0) == 0 ? "must not be negative: " + text : std::string{};
  };
  return {check, ""};
}
