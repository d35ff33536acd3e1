// How a bus gets to its broker, whom it trusts, and what it makes of messages that are no
// heartbeats.
#include <catch2/catch.hpp>

#include "amqp_rig.h"
#include "mas/runtime/io_threads.h"
#include "membership/amqp_connection.h"
#include "outage_rig.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;

namespace {

Heartbeat beat(std::uint64_t sequence) {
  Heartbeat result;
  result.slot = "mas-0";
  result.sequence = sequence;
  return result;
}

// `url` with another host in the place of "localhost".
std::string with_host(std::string url, const std::string& host) {
  return url.replace(url.find("localhost"), 9, host);
}

double ignored(AmqpSeams& seams, const std::string& reason) {
  return seams.metrics.counter("mas_heartbeats_ignored_total", "", {{"reason", reason}}).value();
}

void check_hears_itself(AmqpPod& pod) {
  pod.changes.wait_for(true);
  must(run_blocking_for(pod.bus->publish(beat(1))));
  CHECK(pod.inbox.wait_for(1).back() == beat(1));
}

// The bus tries, does not get in, and says why.
std::string refusal(AmqpSeams& seams, const config::Rabbitmq& rabbitmq) {
  CapturedLog log;
  AmqpPod pod(seams, "one", rabbitmq);
  std::string line = log.wait_for("broker_lost");
  CHECK_FALSE(pod.bus->connected());
  CHECK(code_of(run_blocking_for(pod.bus->publish(beat(1)))) == Code::broker_unavailable);
  CHECK(line.find("pass") == std::string::npos);
  return line;
}

}  // namespace

TEST_CASE("a broker that comes later is found, and a way that breaks is found again") {
  AmqpSeams seams;
  int port = silent_port();
  std::string url = seams.broker.text("url");
  std::string known = ":" + std::to_string(seams.broker.number("port"));
  url.replace(url.find(known), known.size(), ":" + std::to_string(port));
  CapturedLog log;
  AmqpPod pod(seams, "one", at(url));
  log.wait_for("broker_lost");
  CHECK_FALSE(pod.bus->connected());
  {
    Relay relay(port, seams.broker.number("port"));
    check_hears_itself(pod);
  }
  pod.changes.wait_for(false);
  CHECK(code_of(run_blocking_for(pod.bus->publish(beat(2)))) == Code::broker_unavailable);
  Relay relay(port, seams.broker.number("port"));
  pod.changes.wait_for(true);
  must(run_blocking_for(pod.bus->publish(beat(3))));
  CHECK(pod.inbox.wait_for(2).back() == beat(3));
}

TEST_CASE("over TLS the broker is known by its name or its address") {
  AmqpSeams seams;
  config::Rabbitmq rabbitmq = at(seams.broker.text("tls_url"));
  rabbitmq.ca_file = seams.broker.text("ca_file");
  SECTION("by its name") {
    AmqpPod pod(seams, "one", rabbitmq);
    check_hears_itself(pod);
  }
  SECTION("by its address") {
    rabbitmq.url = with_host(rabbitmq.url, "127.0.0.1");
    AmqpPod pod(seams, "one", rabbitmq);
    check_hears_itself(pod);
  }
  SECTION("both kinds of connection hear each other") {
    AmqpPod secret(seams, "one", rabbitmq);
    AmqpPod plain(seams, "one", at(seams.broker.text("url")));
    plain.changes.wait_for(true);
    check_hears_itself(secret);
    CHECK(plain.inbox.wait_for(1).back() == beat(1));
  }
}

TEST_CASE("a broker that cannot be trusted gets no password") {
  AmqpSeams seams;
  config::Rabbitmq rabbitmq = at(seams.broker.text("tls_url"));
  SECTION("another CA") {
    rabbitmq.ca_file = seams.broker.text("other_ca_file");
    CHECK(refusal(seams, rabbitmq).find("verif") != std::string::npos);
  }
  SECTION("the system's CAs") {
    CHECK(refusal(seams, rabbitmq).find("verif") != std::string::npos);
  }
  SECTION("another name") {
    // An address to the resolver, a name to TLS.
    rabbitmq.url = with_host(rabbitmq.url, "127.1");
    rabbitmq.ca_file = seams.broker.text("ca_file");
    CHECK(refusal(seams, rabbitmq).find("verif") != std::string::npos);
  }
  SECTION("an address it does not have") {
    // All of 127.0.0.0/8 is this machine, yet the broker listens on one address of it.
    rabbitmq.url = with_host(rabbitmq.url, "127.0.0.2");
    rabbitmq.ca_file = seams.broker.text("ca_file");
    int port = seams.broker.number("tls_port");
    Relay relay(port, port, "127.0.0.2");
    relay.wait_until_listening();
    CHECK(refusal(seams, rabbitmq).find("verif") != std::string::npos);
  }
  SECTION("a CA file that is missing") {
    rabbitmq.ca_file = "/nonexistent";
    CHECK(refusal(seams, rabbitmq).find("ca_file") != std::string::npos);
  }
  SECTION("one that speaks no TLS") {
    std::string known = ":" + std::to_string(seams.broker.number("tls_port"));
    rabbitmq.url.replace(rabbitmq.url.find(known), known.size(),
                         ":" + std::to_string(seams.broker.number("port")));
    rabbitmq.ca_file = seams.broker.text("ca_file");
    CHECK(refusal(seams, rabbitmq).find("connecting") != std::string::npos);
  }
}

TEST_CASE("a wrong password or virtual host is told, without the password") {
  AmqpSeams seams;
  CHECK(refusal(seams, at(seams.broker.text("wrong_password_url"))).find("ACCESS_REFUSED") !=
        std::string::npos);
  CHECK(refusal(seams, at(seams.broker.text("url") + "-other")).find("logging in") !=
        std::string::npos);
}

TEST_CASE("a URL that cannot be one makes no bus") {
  AmqpSeams seams;
  auto bus = make_amqp_bus(at("http://localhost"), {}, *seams.clock, *seams.rng, seams.metrics);
  REQUIRE(bus.has_error());
  CHECK(bus.error().code() == Code::invalid_argument);
}

TEST_CASE("messages that are no heartbeats are counted and passed over") {
  AmqpSeams seams;
  AmqpPod pod(seams, "one", at(seams.broker.text("url")));
  pod.changes.wait_for(true);
  AmqpSetUp set_up;
  set_up.target = must(parse_amqp_url(seams.broker.text("url")));
  set_up.exchange = "mas." + seams.run + "-one.heartbeat";
  set_up.name = "a stranger";
  set_up.message_life = std::chrono::seconds(10);
  set_up.timeout = std::chrono::seconds(30);
  auto stranger = must(AmqpConnection::open(set_up, *seams.clock));
  for (const std::string& message :
       {std::string(), std::string("no json"), std::string(1, '\0'), std::string("{\"v\":1}"),
        std::string("{\"v\":2}"), std::string(16 * 1024 + 1, ' '), std::string(400 * 1024, '{')}) {
    must(stranger->send(message));
  }
  // In order after them: the stranger hears nothing before its own last message.
  must(stranger->send(R"({"v":3})"));
  auto last = [&] { return ignored(seams, "unknown_version"); };
  for (std::uint64_t sequence = 1; last() < 2; ++sequence) {
    must(run_blocking_for(pod.bus->publish(beat(sequence))));
  }
  CHECK(ignored(seams, "malformed") == 4);
  CHECK(ignored(seams, "oversized") == 2);
  CHECK(ignored(seams, "unknown_version") == 2);
  for (const Heartbeat& heard : pod.inbox.wait_for(1)) CHECK(heard.slot == "mas-0");
}

TEST_CASE("what cannot be sent is refused before the broker sees it") {
  AmqpSeams seams;
  AmqpPod pod(seams, "one", at(seams.broker.text("url")));
  pod.changes.wait_for(true);
  Heartbeat odd = beat(1);
  odd.zone = "\xff";
  CHECK(code_of(run_blocking_for(pod.bus->publish(odd))) == Code::invalid_argument);
  odd.zone = std::string(257, 'z');
  CHECK(code_of(run_blocking_for(pod.bus->publish(odd))) == Code::invalid_argument);
  odd.zone = std::string(256, 'z');
  must(run_blocking_for(pod.bus->publish(odd)));
  CHECK(pod.inbox.wait_for(1).back() == odd);
}
