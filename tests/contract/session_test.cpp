// The session as an actor: what CAF promises of mailboxes holds even though completions come past
// the mailbox.

#include "contract/fixture.hpp"

using namespace contract;

namespace {

/// A session that does what a case says, as the actor that it is.
class acting_session final : public recording_session {
public:
  struct role {
    std::function<void(acting_session&)> connected;
    std::function<void(acting_session&, const payload&)> received;
    std::function<caf::message_handler(acting_session&)> messages;
    std::function<void(acting_session&, const caf::down_msg&)> down;
  };

  acting_session(log_ptr log, role role) : recording_session(log), role_(role) {}

  void connected() override {
    recording_session::connected();
    if (role_.connected)
      role_.connected(*this);
  }

  void message_received(const pipeactor::cookie& cookie, const payload& data) override {
    recording_session::message_received(cookie, data);
    if (role_.received)
      role_.received(*this, data);
  }

  caf::message_handler message_handlers() override {
    return role_.messages ? role_.messages(*this) : caf::message_handler{};
  }

  void down(const caf::down_msg& message) override {
    note("down");
    if (role_.down)
      role_.down(*this, message);
  }

  using recording_session::note;
  using session::async_close;
  using session::async_write;
  using session::connection;
  using session::self;

  caf::response_promise promise;
  named_pipe_connection mine;

private:
  role role_;
};

using role = acting_session::role;

/// Answers a number with its successor, but not before it is asked to.
caf::behavior patient_worker(caf::event_based_actor* self, log_ptr log) {
  auto waiting = std::make_shared<caf::response_promise>();
  auto answer = std::make_shared<int>(0);
  return {
    [=](int number) {
      *waiting = self->make_response_promise();
      *answer = number + 1;
      log->add(0, "asked");
      return *waiting;
    },
    [=](const std::string&) { waiting->deliver(*answer); },
  };
}

} // namespace

PORT_TEST_CASE("request.then: messages go on while the answer is awaited") {
  port_fixture f{port};
  auto worker = f.ended_with_system(f.system().spawn(patient_worker, f.log));
  role todo;
  todo.received = [worker](acting_session& s, const payload& data) {
    if (data.text() == "ask")
      s.self().request(worker, patience, 1).then([&s](int answer) {
        s.note("answer " + std::to_string(answer));
      });
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto [client, connection] = f.connect_and_wait(server);
  for (auto text : {"ask", "1", "2", "3"})
    CHECK(client->send(text));
  REQUIRE(f.log->wait_for("asked"));
  REQUIRE(f.log->wait_for("received 3"));
  f.self()->send(worker, std::string{"go"});
  REQUIRE(f.log->wait_for("answer"));
  CHECK(
    f.log->of(connection.id())
    == lines{"connected", "received ask", "received 1", "received 2", "received 3", "answer 2"});
}

PORT_TEST_CASE("request.await: messages received meanwhile wait and come in order afterwards") {
  port_fixture f{port};
  auto worker = f.ended_with_system(f.system().spawn(patient_worker, f.log));
  role todo;
  todo.received = [worker](acting_session& s, const payload& data) {
    if (data.text() == "ask")
      s.self().request(worker, patience, 1).await([&s](int answer) {
        s.note("answer " + std::to_string(answer));
      });
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto [client, connection] = f.connect_and_wait(server);
  lines expected = {"connected", "received ask", "answer 2"};
  CHECK(client->send("ask"));
  REQUIRE(f.log->wait_for("asked"));
  for (int i = 0; i < 100; ++i) {
    CHECK(client->send(std::to_string(i)));
    expected.push_back("received " + std::to_string(i));
  }
  f.let_bridge_turn();
  // Requests of other actors wait as well.
  f.self()->send(connection.actor(), async_write{payload{"w"}, cookie::of(1)});
  CHECK(f.log->of(connection.id()) == lines{"connected", "received ask"});
  f.self()->send(worker, std::string{"go"});
  CHECK(client->receive() == "w");
  REQUIRE(f.log->wait_for("received 99"));
  REQUIRE(f.log->wait_for("sent [1]"));
  auto seen = f.log->of(connection.id());
  seen.erase(std::remove(seen.begin(), seen.end(), "sent [1]"), seen.end());
  CHECK(seen == expected);
}

PORT_TEST_CASE("request.await: the end of the pipe waits for the answer too", needs::half_close) {
  port_fixture f{port};
  auto worker = f.ended_with_system(f.system().spawn(patient_worker, f.log));
  role todo;
  todo.received = [worker](acting_session& s, const payload&) {
    s.self().request(worker, patience, 1).await([&s](int answer) {
      s.async_write(payload{"answer " + std::to_string(answer)});
      s.note("answer " + std::to_string(answer));
    });
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(client->send("ask"));
  client->shutdown_write();
  REQUIRE(f.log->wait_for("asked"));
  f.let_bridge_turn();
  f.self()->send(worker, std::string{"go"});
  CHECK(client->receive() == "answer 2");
  CHECK(client->at_end());
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "received ask", "answer 2", "sent", "disconnected closed_by_peer"});
}

PORT_TEST_CASE("request.await: a close, a stop and an exit message do not wait for the answer") {
  port_fixture f{port};
  auto how = GENERATE(as<std::string>{}, "close", "stop", "exit");
  CAPTURE(how);
  auto worker = f.ended_with_system(f.system().spawn(patient_worker, f.log));
  role todo;
  todo.received = [worker](acting_session& s, const payload&) {
    s.self().request(worker, patience, 1).await([&s](int) { s.note("answer"); });
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  // Again and again: a wait that was broken off leaves nothing behind.
  for (size_t round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect_and_wait(server, round);
    CHECK(client->send("ask"));
    REQUIRE(f.log->wait_for("asked", round + 1));
    if (how == "close") {
      CHECK_FALSE(f.ask(connection.actor(), async_close{}));
    } else if (how == "stop") {
      CHECK_FALSE(server.server.stop());
      CHECK(server.server.start());
    } else {
      caf::anon_send_exit(connection.actor(), caf::exit_reason::user_shutdown);
    }
    CHECK(client->at_end());
    REQUIRE(f.log->wait_for(connection.id(), "disconnected closed_by_us"));
    CHECK(f.log->count("answer", connection.id()) == 0);
  }
}

PORT_TEST_CASE("request.await: an answer that comes after the close is still handled") {
  port_fixture f{port};
  auto worker = f.ended_with_system(f.system().spawn(patient_worker, f.log));
  role todo;
  todo.received = [worker](acting_session& s, const payload&) {
    s.self().request(worker, patience, 1).await([&s](int) { s.note("answer"); });
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(client->send("ask"));
  REQUIRE(f.log->wait_for("asked"));
  connection.async_close();
  REQUIRE(f.log->wait_for("disconnected"));
  f.self()->send(worker, std::string{"go"});
  REQUIRE(f.log->wait_for("answer"));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "received ask", "disconnected closed_by_us", "answer"});
}

PORT_TEST_CASE("a request that nobody answers ends with its timeout, and keeps nothing alive") {
  port_fixture f{port};
  struct asking_session : recording_session {
    asking_session(const log_ptr& log, caf::actor worker)
        : recording_session(log), worker(std::move(worker)) {}

    void message_received(const pipeactor::cookie&, const payload& data) override {
      auto ask = [&](auto timeout) { return self().request(worker, timeout, std::string{"?"}); };
      auto fail = [this](const caf::error& err) {
        note(err == caf::sec::request_timeout ? "timeout" : "error");
      };
      if (data.text() == "then")
        ask(10ms).then([] {}, fail);
      else if (data.text() == "await")
        ask(10ms).await([] {}, fail);
      else
        ask(patience * 100).then([] {}, fail);
    }

    caf::actor worker;
  };
  auto silent = f.ended_with_system(f.spawn([](caf::event_based_actor* self) -> caf::behavior {
    auto promises = std::make_shared<std::vector<caf::response_promise>>();
    return {[=](const std::string&) {
      promises->push_back(self->make_response_promise());
      return promises->back();
    }};
  }));
  auto server = f.serve<asking_session>(f.options(), f.log, silent);
  auto client = f.connect(server);
  REQUIRE(client->send("then"));
  REQUIRE(f.log->wait_for("timeout"));
  REQUIRE(client->send("await"));
  REQUIRE(f.log->wait_for("timeout", 2));
  REQUIRE(client->send("for ever"));
  client->close();
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->count("error") == 0);
}

PORT_TEST_CASE("a session sends itself delayed messages") {
  port_fixture f{port};
  role todo;
  todo.connected = [](acting_session& s) { s.self().delayed_send(s.self().actor(), 5ms, 3); };
  todo.messages = [](acting_session& s) {
    return caf::message_handler{[&s](int left) {
      s.async_write(payload{"tick " + std::to_string(left)});
      if (left > 1)
        s.self().delayed_send(s.self().actor(), 5ms, left - 1);
    }};
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto client = f.connect(server);
  CHECK(client->receive_many(3) == lines{"tick 3", "tick 2", "tick 1"});
}

PORT_TEST_CASE("a session answers messages of its own") {
  port_fixture f{port};
  role todo;
  todo.messages = [](acting_session& s) {
    return caf::message_handler{
      [&s](int number) {
        s.note("own " + std::to_string(number));
        return number + 1;
      },
      // Answered when the client has spoken.
      [&s](const std::string& text) {
        s.promise = s.self().make_response_promise();
        s.async_write(payload{text});
        return s.promise;
      },
    };
  };
  todo.received = [](acting_session& s, const payload& data) {
    s.promise.deliver(std::string{data.text()});
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(f.ask_for<int>(connection.actor(), 41) == 42);
  f.self()->send(connection.actor(), std::string{"lost"});
  CHECK(client->receive() == "lost");
  std::thread talker{[c = client] {
    if (c->receive() == "question")
      c->send("reply");
  }};
  auto text = f.ask_for<std::string>(connection.actor(), std::string{"question"});
  talker.join();
  CHECK(text == std::string{"reply"});
  CHECK(f.log->count("own 41") == 1);
}

PORT_TEST_CASE("a session delegates by promise") {
  port_fixture f{port};
  auto worker = f.spawn([]() -> caf::behavior { return {[](int number) { return number * 2; }}; });
  role todo;
  todo.messages = [worker](acting_session& s) {
    return caf::message_handler{[&s, worker](int number) {
      auto promise = s.self().make_response_promise();
      promise.delegate(worker, number);
      return promise;
    }};
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(f.ask_for<int>(connection.actor(), 21) == 42);
}

PORT_TEST_CASE("a request is answered even if its handler threw after it made a promise") {
  port_fixture f{port};
  role todo;
  todo.messages = [](acting_session& s) {
    return caf::message_handler{[&s](int) -> caf::typed_response_promise<int> {
      auto promise = s.self().make_response_promise<int>();
      throw std::runtime_error{"no number"};
    }};
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto [client, connection] = f.connect_and_wait(server);
  auto answer = f.ask_for<int>(connection.actor(), 21);
  REQUIRE_FALSE(answer);
  CHECK(code_of(answer.error()) == errc::handler_failed);
  CHECK(f.log->wait_for("disconnected handler_failed"));
}

PORT_TEST_CASE("a session cannot take the library's own requests away") {
  port_fixture f{port};
  role todo;
  todo.messages = [](acting_session& s) {
    return caf::message_handler{[&s](const async_write&) { s.note("stolen"); },
                                [&s](const async_close&) { s.note("stolen"); }};
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto [client, connection] = f.connect_and_wait(server);
  CHECK_FALSE(f.ask(connection.actor(), async_write{payload{"x"}, {}}));
  CHECK(client->receive() == "x");
  CHECK_FALSE(f.ask(connection.actor(), async_close{}));
  CHECK(f.log->count("stolen") == 0);
}

PORT_TEST_CASE("a session ignores messages that it has no handler for") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session, echo());
  auto [client, connection] = f.connect_and_wait(server);
  f.self()->send(connection.actor(), 4711);
  f.self()->send(connection.actor(), std::string{"what?"});
  CHECK(client->send("x"));
  CHECK(client->receive() == "x");
}

PORT_TEST_CASE("a session is notified when an actor that it monitors ends") {
  port_fixture f{port};
  auto worker = f.spawn([]() -> caf::behavior { return {[](int) {}}; });
  role todo;
  todo.connected = [worker](acting_session& s) { s.self().monitor(worker); };
  todo.down = [](acting_session& s, const caf::down_msg& message) {
    s.note(message.reason == caf::exit_reason::user_shutdown ? "as told" : "otherwise");
    s.async_write(payload{"worker is gone"});
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto [client, connection] = f.connect_and_wait(server);
  caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
  CHECK(client->receive() == "worker is gone");
  CHECK(f.log->of(connection.id()).at(1) == "down");
  CHECK(f.log->of(connection.id()).at(2) == "as told");
}

PORT_TEST_CASE("a session may drop the last reference to itself inside a handler") {
  port_fixture f{port};
  role todo;
  todo.connected = [](acting_session& s) { s.mine = s.connection(); };
  todo.messages = [](acting_session& s) {
    return caf::message_handler{[&s](int) {
      s.mine = {};
      s.note("dropped");
    }};
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  for (size_t round = 0; round < 20; ++round) {
    auto client = f.connect(server);
    auto actor = f.log->connection(0).actor();
    REQUIRE(actor);
    f.log->forget_connections();
    client->close();
    REQUIRE(f.log->wait_for("disconnected", round + 1));
    caf::anon_send(actor, 1);
    actor = nullptr;
    REQUIRE(f.log->wait_for("session gone", round + 1));
    CHECK(f.log->count("dropped") == round + 1);
  }
}

PORT_TEST_CASE("a session may close its own connection inside any event") {
  port_fixture f{port};
  auto which = GENERATE(0, 1, 2);
  role todo;
  todo.connected = [which](acting_session& s) {
    if (which == 0)
      s.async_close();
    else if (which == 1)
      s.async_write(payload{"x"});
  };
  todo.received = [which](acting_session& s, const payload&) {
    if (which == 2)
      s.async_close();
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto client = f.connect(server);
  for (int i = 0; i < 10; ++i)
    client->send("m");
  if (which == 1) {
    CHECK(client->receive() == "x");
    f.log->connection().async_close();
  }
  REQUIRE(f.log->wait_for("disconnected closed_by_us"));
  if (which == 2)
    CHECK(f.log->count("received") == 1);
}

PORT_TEST_CASE("a request of a session that fails without an error handler closes the connection") {
  port_fixture f{port};
  auto awaits = GENERATE(false, true);
  CAPTURE(awaits);
  auto worker = f.ended_with_system(f.spawn([]() -> caf::behavior {
    return {[](int) -> caf::result<int> { return caf::sec::runtime_error; }};
  }));
  role todo;
  todo.received = [=](acting_session& s, const payload&) {
    auto request = s.self().request(worker, patience, 1);
    if (awaits)
      request.await([](int) {});
    else
      request.then([](int) {});
  };
  auto server = f.serve<acting_session>(f.options(), f.log, todo);
  auto block = payload{pattern(30'000)};
  constexpr int count = 100;
  for (size_t round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect_and_wait(server, round);
    for (int i = 0; i < count; ++i)
      connection.async_write(block, cookie::of(i));
    REQUIRE(f.log->wait_for(connection.id(), "sent"));
    CHECK(client->send("ask"));
    REQUIRE(f.log->wait_for(connection.id(), "disconnected handler_failed"));
    for (int i = 0; i < count; ++i) {
      auto suffix = "[" + std::to_string(i) + "]";
      auto back = f.log->count("sent " + suffix, connection.id())
                  + f.log->count("failed handler_failed " + suffix, connection.id())
                  + f.log->count("failed operation_aborted " + suffix, connection.id());
      if (back != 1)
        FAIL_CHECK("cookie " << i << " came back " << back << " times");
    }
    CHECK(f.log->of(connection.id()).back() == "disconnected handler_failed");
  }
  // The server goes on.
  CHECK_FALSE(server.server.stop());
}
