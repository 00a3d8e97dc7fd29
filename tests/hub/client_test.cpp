#include "client/mqtt_client.hpp"
#include "hub/wire.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace hub_test;

namespace {

/// A client whose hub is the test.
class recorder : private client_output {
public:
  recorder() : client("a", *this) {}

  /// Opens the connection, and takes CONNECT.
  /// @param first whether the session is a new one for the client
  void connect(bool first = true) {
    client.connected();
    CHECK(
      take()
      == wire("10 * 'MQTT' 05 " + std::string{first ? "02" : "00"} + " 0000 [11 0000003C] 'a'"));
  }

  /// Opens the connection, and lets the hub accept it.
  void accept(bool first = true, bool is_present = false, const std::string& properties = "") {
    connect(first);
    send("20 * " + std::string{is_present ? "01" : "00"} + " 00 [" + properties + "]");
  }

  /// The hub sends what the notation of `wire` says.
  void send(const std::string& notation) {
    client.received(wire(notation));
  }

  void publish(uint8_t qos, const std::string& payload = "x") {
    publication what;
    what.topic = "t";
    what.payload = payload;
    what.qos = qos;
    client.publish(what);
    client.flush();
  }

  /// Returns what the client has sent since the last call.
  std::string take() {
    return std::exchange(written, {});
  }

  mqtt_client client;
  std::string written;
  size_t unanswered = 0;
  std::vector<reason> codes;
  std::vector<std::string> messages;
  /// How many more messages are wanted.
  size_t wanted = 100;
  std::vector<reason> granted;
  std::string end;

private:
  void write(pipeactor::payload packets, size_t count) override {
    written += packets.text();
    unanswered += count;
  }

  void subscribed(const std::string&, reason code) override {
    granted.push_back(code);
  }

  bool received(const mqtt::publish& message) override {
    messages.emplace_back(message.payload);
    return --wanted > 0;
  }

  void handled() override {}

  void published(reason code) override {
    codes.push_back(code);
  }

  void ended(const std::string& why) override {
    end = why;
  }
};

} // namespace

TEST_CASE("mqtt_client publishes when the hub has accepted it", "[client]") {
  recorder home;
  home.connect();
  home.publish(0);
  home.publish(1);
  CHECK(home.take().empty());
  home.send("20 * 00 00 []");
  CHECK(home.take() == wire("30 * 't' [] 78") + wire("32 * 't' 0001 [] 78"));
  CHECK(home.unanswered == 1);
  home.send("40 * 0001 10");
  CHECK(home.codes == std::vector{reason::no_matching_subscribers});
}

TEST_CASE("mqtt_client publishes again what was not answered", "[client]") {
  for (auto is_present : {true, false}) {
    recorder home;
    home.accept();
    home.publish(1, "1");
    home.publish(2, "2");
    home.publish(2, "3");
    home.send("50 * 0003 10");
    CHECK(home.take()
          == wire("32 * 't' 0001 [] 31") + wire("34 * 't' 0002 [] 32") + wire("34 * 't' 0003 [] 33")
               + wire("62 * 0003"));
    home.client.disconnected();
    home.publish(1, "4");
    home.accept(false, is_present);
    if (is_present) {
      CHECK(home.take()
            == wire("3A * 't' 0001 [] 31") + wire("3C * 't' 0002 [] 32") + wire("62 * 0003")
                 + wire("32 * 't' 0004 [] 34"));
      home.send("70 * 0003");
    } else {
      // The hub had the third one, and a new session knows nothing of it.
      CHECK(home.take()
            == wire("32 * 't' 0001 [] 31") + wire("34 * 't' 0002 [] 32")
                 + wire("32 * 't' 0004 [] 34"));
    }
    CHECK(home.codes == std::vector{reason::no_matching_subscribers});
    home.send("40 * 0001");
    home.send("40 * 0004 87");
    home.send("50 * 0002 97");
    CHECK(home.codes
          == std::vector{reason::no_matching_subscribers, reason::success, reason::not_authorized,
                         reason::quota_exceeded});
    // A refusal by PUBREC completes it.
    CHECK(home.take().empty());
  }
}

TEST_CASE("mqtt_client has no more on their way than the hub takes", "[client]") {
  recorder home;
  home.accept(true, false, "21 0002");
  for (auto payload : {"1", "2", "3"})
    home.publish(1, payload);
  home.publish(0, "4");
  CHECK(home.take() == wire("32 * 't' 0001 [] 31") + wire("32 * 't' 0002 [] 32"));
  home.send("40 * 0001");
  CHECK(home.take() == wire("32 * 't' 0003 [] 33") + wire("30 * 't' [] 34"));
}

TEST_CASE("mqtt_client ends at a message that is too long for the hub", "[client]") {
  recorder home;
  home.accept(true, false, "27 00000010");
  home.publish(0, "123456789");
  CHECK(home.take() == wire("30 * 't' [] 313233343536373839"));
  home.publish(0, "12345678901");
  CHECK(home.take().empty());
  CHECK(home.end.find("the hub takes 16") != std::string::npos);
}

TEST_CASE("mqtt_client subscribes after each loss", "[client]") {
  recorder home;
  home.client.subscribe("a/#", 1);
  home.client.subscribe("b", 0);
  for (auto first : {true, false}) {
    home.accept(first);
    // Retained messages come if the subscription is new.
    CHECK(home.take() == wire("82 * FFFF [] 'a/#' 11 'b' 10"));
    home.send("90 * FFFF [] 01 87");
    home.client.disconnected();
  }
  CHECK(home.granted
        == std::vector{reason::granted_qos_1, reason::not_authorized, reason::granted_qos_1,
                       reason::not_authorized});
}

TEST_CASE("mqtt_client takes each message of QoS 2 once", "[client]") {
  recorder home;
  home.accept();
  home.send("34 * 't' 0007 [] 31");
  CHECK(home.take() == wire("50 * 0007"));
  home.client.disconnected();
  home.accept(false, true);
  home.send("3C * 't' 0007 [] 31");
  CHECK(home.take() == wire("50 * 0007"));
  home.send("62 * 0007");
  home.send("62 * 0007");
  CHECK(home.take() == wire("70 * 0007") + wire("70 * 0007 92"));
  home.send("34 * 't' 0007 [] 32");
  CHECK(home.take() == wire("50 * 0007"));
  CHECK(home.messages == std::vector<std::string>{"1", "2"});
  // A new session has other messages under the same identifiers.
  home.client.disconnected();
  home.accept(false, false);
  home.send("34 * 't' 0007 [] 33");
  CHECK(home.messages.size() == 3);
}

TEST_CASE("mqtt_client acknowledges the last message and says good-bye", "[client]") {
  recorder home;
  home.wanted = 2;
  home.accept();
  home.client.received(wire("32 * 't' 0001 [] 31") + wire("32 * 't' 0002 [] 32")
                       + wire("32 * 't' 0003 [] 33"));
  CHECK(home.messages.size() == 2);
  // The session ends with it.
  CHECK(home.take() == wire("40 * 0001") + wire("40 * 0002") + wire("E0 * 00 [11 00000000]"));
  home.send("30 * 't' [] 34");
  home.publish(0);
  CHECK(home.take().empty());
  CHECK(home.messages.size() == 2);
  CHECK(home.end.empty());
}

TEST_CASE("mqtt_client ends when the hub refuses it or speaks otherwise", "[client]") {
  auto end_after = [](const std::string& notation) {
    recorder home;
    home.accept();
    home.send(notation);
    return home.end;
  };
  CHECK(end_after("E0 * 98 [1F 'go']")
        == "the hub ended the connection: administrative action (go)");
  CHECK(end_after("E0 * 8B").empty());
  CHECK(end_after("20 * 00 00 []") == "the hub does not begin with CONNACK, or sends it again");
  CHECK(end_after("36 *").find("the hub sent a wrong packet: ") == 0);
  CHECK(end_after("C0 *").find("the hub sent a wrong packet: ") == 0);
  recorder refused;
  refused.connect();
  refused.send("20 * 00 87 []");
  CHECK(refused.end == "the hub refuses this client: not authorized");
  recorder early;
  early.connect();
  early.send("30 * 't' [] 31");
  CHECK(early.end == "the hub does not begin with CONNACK, or sends it again");
}
