#include "pipeactor/all.hpp"
#include "pipeactor/simulated_network.hpp"

#include <catch2/catch.hpp>

#include <sstream>

using namespace pipeactor;
using namespace std::chrono_literals;

namespace {

using arguments = std::vector<std::string>;

/// A configuration after it has read a command line and a file.
struct parsed {
  explicit parsed(arguments command_line, const std::string& file = "") {
    std::istringstream stream{file};
    failure = config.parse(std::move(command_line), stream);
  }

  system_config config;
  caf::error failure;
};

/// Returns the text of the error that the configuration is for a context; empty if it is none.
std::string complaint(const caf::actor_system_config& config) {
  auto options = with_configuration({}, config);
  if (options)
    return {};
  CHECK(options.error() == caf::sec::invalid_argument);
  return describe(options.error());
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Takes what is printed while it lives.
class captured_output {
public:
  captured_output() : before_(std::cout.rdbuf(text_.rdbuf())) {}

  ~captured_output() {
    std::cout.rdbuf(before_);
  }

  std::string text() const {
    return text_.str();
  }

private:
  std::ostringstream text_;
  std::streambuf* before_;
};

} // namespace

TEST_CASE("a configuration without the group changes no option") {
  for (auto& options : {with_configuration({}, caf::actor_system_config{}),
                        with_configuration({}, system_config{})}) {
    REQUIRE(options);
    CHECK(options->port == port_kind::automatic);
    CHECK(options->num_threads == 1);
    CHECK(options->spin == 0us);
    CHECK(options->memory_limit == defaults::memory_limit);
  }
}

TEST_CASE("the command line and the configuration file set the options of a context") {
  auto from_file = GENERATE(false, true);
  parsed x{from_file ? arguments{}
                     : arguments{"--pipeactor.port=epoll", "--pipeactor.threads=2",
                                 "--pipeactor.spin=50us", "--pipeactor.memory-limit=1048576"},
           from_file ? "[pipeactor]\nport = \"epoll\"\nthreads = 2\nspin = 50us\n"
                       "memory-limit = 1048576\n"
                     : ""};
  REQUIRE(!x.failure);
  auto options = with_configuration({}, x.config);
  REQUIRE(options);
  CHECK(options->port == port_kind::epoll);
  CHECK(options->num_threads == 2);
  CHECK(options->spin == 50us);
  CHECK(options->memory_limit == 1048576);
}

TEST_CASE("the command line wins over the configuration file, and code over both") {
  parsed x{{"--pipeactor.port=io_uring", "--pipeactor.threads=2"},
           "[pipeactor]\nport = \"epoll\"\nthreads = 3\nmemory-limit = 1048576\n"};
  REQUIRE(!x.failure);
  context_options code;
  code.num_threads = 7;
  code.memory_limit = 99;
  auto options = with_configuration(code, x.config);
  REQUIRE(options);
  CHECK(options->port == port_kind::io_uring);
  CHECK(options->num_threads == 7);
  CHECK(options->memory_limit == 99);
}

TEST_CASE("every port has a name in the configuration, but those for tests") {
  for (auto kind : {port_kind::automatic, port_kind::io_uring, port_kind::epoll, port_kind::iocp}) {
    parsed x{{"--pipeactor.port=" + to_string(kind)}};
    auto options = with_configuration({}, x.config);
    REQUIRE(options);
    CHECK(options->port == kind);
  }
  CHECK(contains(complaint(parsed{{"--pipeactor.port=simulated"}}.config), "pipeactor.port"));
}

TEST_CASE("a wrong value in the configuration is an error of CAF's that names the option") {
  struct row {
    const char* argument;
    const char* name;
    const char* advice;
  };
  auto [argument, name, advice] = GENERATE(
    values<row>({{"--pipeactor.port=kqueue", "pipeactor.port", "use auto, io_uring, epoll or iocp"},
                 {"--pipeactor.threads=0", "pipeactor.threads", "use 1 to 1024"},
                 {"--pipeactor.threads=1025", "pipeactor.threads", "use 1 to 1024"},
                 {"--pipeactor.spin=-1us", "pipeactor.spin", "use a time"},
                 {"--pipeactor.memory-limit=0", "pipeactor.memory-limit", "use 1 to"}}));
  CAPTURE(argument);
  parsed x{{argument}};
  REQUIRE(!x.failure);
  auto text = complaint(x.config);
  CHECK(contains(text, name));
  CHECK(contains(text, advice));
}

TEST_CASE("CAF itself refuses what is no option or of the wrong type on the command line") {
  auto argument = GENERATE(as<std::string>{}, "--pipeactor.thread=2", "--pipeactor.threads=two",
                           "--pipeactor.threads=-1", "--pipeactor.spin=50", "--pipeactor.port=");
  CAPTURE(argument);
  parsed x{{argument}};
  CHECK(x.failure);
}

TEST_CASE("a value of the wrong type that code put into a configuration is named, too") {
  caf::actor_system_config plain;
  caf::put(plain.content, "pipeactor.threads", "two");
  CHECK(contains(complaint(plain), "pipeactor.threads"));
  caf::put(plain.content, "pipeactor.threads", int64_t{-1});
  CHECK(contains(complaint(plain), "pipeactor.threads"));
  caf::put(plain.content, "pipeactor.threads", int64_t{2});
  caf::put(plain.content, "pipeactor.port", int64_t{7});
  CHECK(contains(complaint(plain), "pipeactor.port"));
  caf::put(plain.content, "pipeactor.port", "epoll");
  CHECK(complaint(plain).empty());
}

TEST_CASE("CAF's --long-help lists the group pipeactor") {
  std::string text;
  {
    captured_output output;
    parsed x{{"--long-help"}};
    CHECK(x.config.cli_helptext_printed);
    text = output.text();
  }
  for (auto* option :
       {"pipeactor.port", "pipeactor.threads", "pipeactor.spin", "pipeactor.memory-limit"})
    CHECK(contains(text, option));
}

TEST_CASE("a context takes its options from the system's configuration") {
  parsed x{{"--pipeactor.threads=3"}};
  caf::actor_system system{x.config};
  context_options simulated;
  simulated.make_port = simulated_ports(std::make_shared<simulated_network>(0));
  context ctx{system, simulated};
  auto bridges_of = [&](const char* name, size_t num_threads) {
    server_options options;
    options.pipe_name = name;
    options.num_threads = num_threads;
    auto server = ctx.spawn_server(options);
    REQUIRE(server.start());
    auto stats = server.stats();
    REQUIRE(stats);
    return stats->bridges.size();
  };
  CHECK(bridges_of("one", 1) == 1);
  CHECK(bridges_of("default", 0) == 3);
  CHECK(bridges_of("two", 2) == 2);
}

TEST_CASE("a context with a wrong configuration makes no bridge, and everything says why") {
  parsed x{{"--pipeactor.port=kqueue"}};
  caf::actor_system system{x.config};
  context ctx{system};
  auto is_the_reason = [](const caf::error& err) {
    return err == caf::sec::invalid_argument && contains(describe(err), "pipeactor.port");
  };
  CHECK(is_the_reason(ctx.port().error()));
  server_options options;
  options.pipe_name = "svc";
  CHECK(is_the_reason(ctx.spawn_server(options).start().error()));
  CHECK(is_the_reason(ctx.spawn_client_manager({}).connect("svc").error()));
}
