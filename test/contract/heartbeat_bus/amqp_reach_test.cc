// How a bus gets to its broker, whom it trusts, and what it makes of messages that are no
// heartbeats.
#include <poll.h>

#include <catch2/catch.hpp>

#include "amqp_rig.h"
#include "mas/runtime/io_threads.h"
#include "membership/amqp_connection.h"
#include "membership/wake_fd.h"
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

// A connection to the exchange of cluster "one" that is no bus.
AmqpSetUp stranger(AmqpSeams& seams) {
  AmqpSetUp set_up;
  set_up.target = must(parse_amqp_url(seams.broker.text("url")));
  set_up.exchange = "mas." + seams.run + "-one.heartbeat";
  set_up.name = "a stranger";
  set_up.message_life = std::chrono::seconds(10);
  set_up.timeout = std::chrono::seconds(30);
  return set_up;
}

// As a pod of cluster "one" seals what it sends, or one with another secret.
Seal sealed(AmqpSeams& seams, std::string_view message, const std::string& secret = kSecret) {
  return make_seal(message, auth::cluster_keys({secret}, seams.run + "-one").front());
}

// What a pod that the broker alone knows of may have sent.
std::string wire_of(const std::string& slot, std::uint64_t sequence, const std::string& address,
                    std::uint8_t boot = 7) {
  Heartbeat what;
  what.slot = slot;
  what.boot.bytes.fill(boot);
  what.sequence = sequence;
  what.peer_address = address;
  return must(write_heartbeat(what));
}

struct Deaf final : AmqpConnection::Events {
  void heard(std::string_view, const Seal&) override {}
  void heard_oversized() override {}
  void confirmed(std::uint64_t, bool, bool taken) override { confirms += taken; }
  void blocked(std::string_view) override {}
  void unblocked() override {}
  int confirms = 0;
};

// Whether the other side has closed; what it sent before is left alone.
bool hung_up(int socket) {
  pollfd there{socket, POLLRDHUP, 0};
  return poll(&there, 1, 0) == 1;
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
  AmqpOptions options;
  options.keys = auth::cluster_keys({kSecret}, "one");
  auto bus = make_amqp_bus(at("http://localhost"), std::move(options), *seams.clock, *seams.rng,
                           seams.metrics);
  REQUIRE(bus.has_error());
  CHECK(bus.error().code() == Code::invalid_argument);
}

TEST_CASE("a pod's queue is its own and bounded, and goes with it; the exchange stays") {
  AmqpSeams seams;
  AmqpPod pod(seams, "one", at(seams.broker.text("url")));
  check_hears_itself(pod);
  std::string ctl = seams.broker.text("ctl") + " -p '/mas test'";
  std::string queues = command(ctl, "list_queues exclusive auto_delete durable arguments");
  for (const char* part : {"true\ttrue\tfalse", "{\"x-max-length\",8192}",
                           "{\"x-message-ttl\",10000}", "{\"x-overflow\",\"drop-head\"}"}) {
    INFO(part);
    CHECK(queues.find(part) != std::string::npos);
  }
  const std::string exchange = "mas." + seams.run + "-one.heartbeat";
  auto bound = [&] {
    return command(ctl, "list_bindings source_name").find(exchange) != std::string::npos;
  };
  CHECK(bound());
  pod.bus.reset();
  // The broker has answered the good-bye, but may take a moment over the queue.
  while (bound()) {
  }
  CHECK(command(ctl, "list_exchanges name type durable auto_delete")
            .find(exchange + "\tfanout\ttrue\tfalse") != std::string::npos);
}

TEST_CASE("messages that are no heartbeats are counted and passed over") {
  AmqpSeams seams;
  AmqpPod pod(seams, "one", at(seams.broker.text("url")));
  pod.changes.wait_for(true);
  auto other = must(AmqpConnection::open(stranger(seams), *seams.clock));
  for (const std::string& message :
       {std::string(), std::string("no json"), std::string(1, '\0'), std::string("{\"v\":1}"),
        std::string("{\"v\":2}"), std::string(16 * 1024 + 1, ' '), std::string(400 * 1024, '{')}) {
    must(other->send(message, sealed(seams, message)));
  }
  // In order after them.
  const std::string last_one = R"({"v":3})";
  must(other->send(last_one, sealed(seams, last_one)));
  auto last = [&] { return ignored(seams, "unknown_version"); };
  for (std::uint64_t sequence = 1; last() < 2; ++sequence) {
    must(run_blocking_for(pod.bus->publish(beat(sequence))));
  }
  CHECK(ignored(seams, "malformed") == 4);
  CHECK(ignored(seams, "oversized") == 2);
  CHECK(ignored(seams, "unknown_version") == 2);
  for (const Heartbeat& heard : pod.inbox.wait_for(1)) CHECK(heard.slot == "mas-0");
}

TEST_CASE("beats that are forged or said again are counted and not heard") {
  AmqpSeams seams;
  AmqpPod pod(seams, "one", at(seams.broker.text("url")));
  pod.changes.wait_for(true);
  auto other = must(AmqpConnection::open(stranger(seams), *seams.clock));
  // A rogue that would join, and have the secret sent to it.
  const std::string rogue = wire_of("rogue", 1, "10.6.6.6:1");
  must(other->send(rogue, {}));
  must(other->send(rogue, sealed(seams, rogue, "another secret, as long")));
  const std::string good = wire_of("mas-1", 5, "10.0.0.1:7081");
  const Seal seal = sealed(seams, good);
  must(other->send(good, seal));
  // The same once more, and with another address under its seal.
  must(other->send(good, seal));
  must(other->send(wire_of("mas-1", 6, "10.6.6.6:1"), seal));
  const std::string later = wire_of("mas-1", 7, "10.0.0.1:7081");
  must(other->send(later, sealed(seams, later)));
  std::vector<Heartbeat> heard = pod.inbox.wait_for(2);
  REQUIRE(heard.size() == 2);
  for (const Heartbeat& one : heard) CHECK(one.peer_address == "10.0.0.1:7081");
  CHECK(heard.back().sequence == 7);
  CHECK(ignored(seams, "unsealed") == 1);
  CHECK(ignored(seams, "forged") == 2);
  CHECK(ignored(seams, "repeated") == 1);
}

TEST_CASE("a beat without a seal is heard where older pods are accepted, a forged one is not") {
  AmqpSeams seams;
  AmqpPod pod(seams, "one", at(seams.broker.text("url")), true);
  pod.changes.wait_for(true);
  auto other = must(AmqpConnection::open(stranger(seams), *seams.clock));
  const std::string rogue = wire_of("rogue", 1, "10.6.6.6:1");
  must(other->send(rogue, sealed(seams, rogue, "another secret, as long")));
  // What only later versions say, and what they seal.
  must(other->send(wire_of("mas-2", 5, "10.6.6.6:1"), {}));
  Heartbeat older;
  older.slot = "mas-1";
  older.sequence = 5;
  older.peer_address = "10.0.0.1:7081";
  older.generation = 1ULL << 62;
  older.layout_version = 1ULL << 62;
  must(other->send(must(write_heartbeat(older)), {}));
  const Heartbeat heard = pod.inbox.wait_for(1).front();
  CHECK(heard.slot == "mas-1");
  // A store that has not come that far would be taken for an older one.
  CHECK(heard.generation == 0);
  CHECK(heard.layout_version == 0);
  CHECK(ignored(seams, "forged") == 1);
  CHECK(ignored(seams, "unsealed") == 1);
}

TEST_CASE(
    "a connection that is serviced lives, one that is not is hung up on, a silent broker is "
    "noticed") {
  AmqpSeams seams;
  AmqpSetUp set_up = stranger(seams);
  set_up.silence = std::chrono::seconds(1);
  auto serviced = must(AmqpConnection::open(set_up, *seams.clock));
  auto neglected = must(AmqpConnection::open(set_up, *seams.clock));
  Deaf deaf;
  WakeFd timer;
  // Nothing is published: the broker's heartbeats, then its end of the connection, are all that
  // comes.
  while (!hung_up(neglected->socket())) {
    timer.wait(serviced->socket(), AmqpConnection::kServiceInterval / 4);
    must(serviced->receive(deaf));
  }
  must(serviced->send("still here", {}));
  while (deaf.confirms == 0) {
    timer.wait(serviced->socket(), AmqpConnection::kServiceInterval / 4);
    must(serviced->receive(deaf));
  }
  Frozen frozen(seams.broker.number("pid"));
  auto received = serviced->receive(deaf);
  while (!received.has_error()) {
    timer.wait(serviced->socket(), AmqpConnection::kServiceInterval / 4);
    received = serviced->receive(deaf);
  }
  CHECK(received.error().code() == Code::broker_unavailable);
  CHECK(received.error().message().find("heartbeat") != std::string::npos);
}
