// What a bus does while its broker is away, hangs, or is short of memory. Afterwards it always goes
// on by itself.
#include <catch2/catch.hpp>
#include <future>
#include <vector>

#include "amqp_rig.h"
#include "mas/runtime/io_threads.h"
#include "membership/heartbeat_wire.h"
#include "outage_rig.h"
#include "support/io_rig.h"
#include "support/tcp_relay.h"

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

Result<void> publish(AmqpPod& pod, std::uint64_t sequence) {
  return run_blocking_for(pod.bus->publish(beat(sequence)));
}

config::Rabbitmq impatient(std::string url) {
  config::Rabbitmq rabbitmq = at(std::move(url));
  rabbitmq.timeout = std::chrono::seconds(1);
  return rabbitmq;
}

void wait_until_heard(Inbox& inbox, std::uint64_t sequence) {
  for (std::size_t count = 1; inbox.wait_for(count).back().sequence != sequence; ++count) {
  }
}

// `url` with the way through `relay` in the place of the broker's port.
std::string via(std::string url, const std::string& port, const mas::test::TcpRelay& relay) {
  const std::string known = "127.0.0.1:" + port;
  return url.replace(url.find(known), known.size(), relay.address());
}

// The pod comes to hear itself: `sequence` is the last it has published. A broker that has just
// come back may be slow, and lose the pod again.
void check_works(AmqpPod& pod, std::uint64_t sequence) {
  while (true) {
    pod.changes.wait_for(true);
    Result<void> published = publish(pod, sequence);
    if (published.has_value()) break;
    REQUIRE(published.error().code() == Code::broker_unavailable);
  }
  wait_until_heard(pod.inbox, sequence);
}

}  // namespace

TEST_CASE("a broker that stops and starts again is said once each, and heartbeats go on") {
  AmqpSeams seams;
  CapturedLog log;
  AmqpPod pod(seams, "one", at(seams.broker.text("url")));
  check_works(pod, 1);
  CHECK(pod.bus->connected());
  log.wait_for("broker_connected");
  std::string ctl = seams.broker.text("ctl");
  command(ctl, "stop_app");
  pod.changes.wait_for(false);
  CHECK_FALSE(pod.bus->connected());
  Result<void> while_away = publish(pod, 2);
  CHECK(code_of(while_away) == Code::broker_unavailable);
  CHECK_FALSE(while_away.error().maybe_happened());
  command(ctl, "start_app");
  check_works(pod, 3);
  CHECK(log.wait_for("broker_connected").find("mas." + seams.run + "-one.heartbeat") !=
        std::string::npos);
  CHECK(log.count("broker_lost") == 1);
  CHECK(log.count("broker_connected") == 2);
  pod.bus.reset();
  CHECK(pod.inbox.now().size() == 2);
}

TEST_CASE("a connection the broker closes is made again, with its reason in the log") {
  AmqpSeams seams;
  CapturedLog log;
  AmqpPod pod(seams, "one", at(seams.broker.text("url")));
  AmqpPod other(seams, "one", at(seams.broker.text("url")));
  check_works(pod, 1);
  other.changes.wait_for(true);
  command(seams.broker.text("ctl"), "close_all_connections --global 'tidied up'");
  CHECK(log.wait_for("broker_lost").find("tidied up") != std::string::npos);
  pod.changes.wait_for_changes(3);
  other.changes.wait_for_changes(3);
  check_works(pod, 2);
  wait_until_heard(other.inbox, 2);
}

TEST_CASE("a broker that hangs holds up neither publishing nor leaving") {
  AmqpSeams seams;
  std::string url = seams.broker.text(GENERATE(as<std::string>(), "url", "tls_url"));
  config::Rabbitmq rabbitmq = impatient(url);
  rabbitmq.ca_file = seams.broker.text("ca_file");
  AmqpPod pod(seams, "one", rabbitmq);
  auto leaver = std::make_unique<AmqpPod>(seams, "one", rabbitmq);
  check_works(pod, 1);
  leaver->changes.wait_for(true);
  {
    Frozen frozen(seams.broker.number("pid"));
    Result<void> hung = publish(pod, 2);
    CHECK(code_of(hung) == Code::broker_unavailable);
    CHECK(hung.error().maybe_happened());
    pod.changes.wait_for(false);
    // Now it tries to connect, which hangs too.
    CHECK(code_of(publish(pod, 3)) == Code::broker_unavailable);
    leaver.reset();
    AmqpPod never(seams, "one", rabbitmq);
    CHECK_FALSE(never.bus->connected());
  }
  check_works(pod, 4);
}

TEST_CASE("few wait for a broker that hangs; the others are refused at once") {
  AmqpSeams seams;
  const std::string port = std::to_string(seams.broker.number("port"));
  mas::test::TcpRelay relay("127.0.0.1:" + port);
  config::Rabbitmq patient = at(via(seams.broker.text("url"), port, relay));
  patient.timeout = std::chrono::minutes(5);
  AmqpPod pod(seams, "one", patient);
  check_works(pod, 1);
  Frozen frozen(seams.broker.number("pid"));
  mas::test::IoRig io;
  constexpr std::size_t kBound = 16;
  std::vector<std::future<Result<void>>> waiting;
  for (std::uint64_t i = 0; i < kBound; ++i) {
    // Only what has left may have happened, and the bus's own thread sends it when its turn comes.
    std::size_t enough = relay.sent() + must(write_heartbeat(beat(i))).size();
    waiting.push_back(io.start(pod.bus->publish(beat(i))));
    while (relay.sent() < enough) sched_yield();
  }
  Result<void> refused = io.run(pod.bus->publish(beat(100)));
  CHECK(code_of(refused) == Code::broker_unavailable);
  CHECK_FALSE(refused.error().maybe_happened());
  // Leaving answers those that wait, long before their time.
  pod.bus.reset();
  for (auto& one : waiting) {
    Result<void> answer = one.get();
    CHECK(code_of(answer) == Code::broker_unavailable);
    CHECK(answer.error().maybe_happened());
  }
}

TEST_CASE("a broker short of memory refuses publishing until it has some again") {
  AmqpSeams seams;
  CapturedLog log;
  // Refused because the broker says so, not because time is up.
  config::Rabbitmq patient = at(seams.broker.text("url"));
  patient.timeout = std::chrono::hours(1);
  AmqpPod pod(seams, "one", patient);
  check_works(pod, 1);
  log.wait_for("broker_connected");
  std::string ctl = seams.broker.text("ctl");
  command(ctl, "set_vm_memory_high_watermark 0");
  CHECK(code_of(publish(pod, 2)) == Code::broker_unavailable);
  CHECK(log.wait_for("broker_lost").find("memory") != std::string::npos);
  pod.changes.wait_for(false);
  CHECK(code_of(publish(pod, 3)) == Code::broker_unavailable);
  command(ctl, "set_vm_memory_high_watermark 0.4");
  check_works(pod, 4);
}

TEST_CASE("a heartbeat that one queue refused may have reached others") {
  AmqpSeams seams;
  AmqpPod pod(seams, "one", at(seams.broker.text("url")));
  check_works(pod, 1);
  // A queue that takes nothing, bound to the pods' exchange.
  const std::string ctl = seams.broker.text("ctl");
  const std::string there = "{resource,<<\"/mas test\">>,";
  const std::string queue = there + "queue,<<\"full\">>}";
  const std::string exchange = there + "exchange,<<\"mas." + seams.run + "-one.heartbeat\">>}";
  command(ctl,
          "eval 'rabbit_amqqueue:declare(" + queue + ",false,false," +
              R"([{<<"x-max-length">>,long,0},{<<"x-overflow">>,longstr,<<"reject-publish">>}])" +
              R"(,none,<<"test">>), rabbit_binding:add({binding,)" + exchange + ",<<>>," + queue +
              R"(,[]},<<"test">>).')");
  Result<void> refused = publish(pod, 2);
  command(ctl, "delete_queue -p '/mas test' full");
  REQUIRE(code_of(refused) == Code::broker_unavailable);
  CHECK(refused.error().maybe_happened());
  CHECK(pod.bus->connected());
  // It did: this pod's own queue took what the other refused.
  wait_until_heard(pod.inbox, 2);
  check_works(pod, 3);
}
