#include "mas/membership/heartbeat_bus.h"

#include <catch2/catch.hpp>
#include <limits>
#include <map>
#include <thread>

#include "broker.h"
#include "inbox.h"
#include "mas/runtime/io_threads.h"
#include "support/must.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;

namespace {

Heartbeat beat(const std::string& slot, std::uint64_t sequence) {
  Heartbeat result;
  result.cluster.bytes.fill(0xc1);
  result.slot = slot;
  result.incarnation.bytes.fill(static_cast<std::uint8_t>(slot.back()));
  result.api_address = "10.1.2.3:8080";
  result.peer_address = "[fe80::1]:8081";
  result.zone = "zone \xe4\xb8\x80";
  result.capacity = std::numeric_limits<std::uint64_t>::max();
  result.used = 12345;
  result.state = PodState::draining;
  result.layout_version = std::uint64_t{1} << 40;
  result.generation = (std::uint64_t{1} << 50) + 1;
  result.software = "0.1.0";
  result.sequence = sequence;
  return result;
}

void publish(HeartbeatBus& bus, Heartbeat what) {
  must(run_blocking_for(bus.publish(std::move(what))));
}

std::unique_ptr<Broker> some_broker() {
  static const std::vector<BrokerFactory> all = brokers();
  std::size_t index = GENERATE(range(std::size_t{0}, brokers().size()));
  CAPTURE(all[index].name);
  return all[index].make();
}

}  // namespace

TEST_CASE("a pod hears itself, with every field as it was sent") {
  auto broker = some_broker();
  Inbox inbox;
  auto bus = broker->join("one");
  inbox.attach(*bus);
  CHECK(bus->connected());
  Heartbeat sent = beat("mas-0", 1);
  publish(*bus, sent);
  publish(*bus, Heartbeat{});
  std::vector<Heartbeat> heard = inbox.wait_for(2);
  REQUIRE(heard.size() == 2);
  CHECK(heard[0] == sent);
  CHECK(heard[1] == Heartbeat{});
}

TEST_CASE("every pod hears every other, once and in order") {
  auto broker = some_broker();
  Inbox inboxes[3];
  std::vector<std::unique_ptr<HeartbeatBus>> buses;
  for (Inbox& inbox : inboxes) {
    buses.push_back(broker->join("one"));
    inbox.attach(*buses.back());
  }
  constexpr std::uint64_t kBeats = 50;
  for (std::uint64_t sequence = 1; sequence <= kBeats; ++sequence) {
    for (std::size_t i = 0; i < 3; ++i) {
      publish(*buses[i], beat("mas-" + std::to_string(i), sequence));
    }
  }
  for (Inbox& inbox : inboxes) {
    std::map<std::string, std::uint64_t> last;
    for (const Heartbeat& heard : inbox.wait_for(3 * kBeats)) {
      CHECK(heard.sequence == last[heard.slot] + 1);
      last[heard.slot] = heard.sequence;
    }
    CHECK(last.size() == 3);
  }
}

TEST_CASE("clusters on one broker do not hear each other") {
  auto broker = some_broker();
  Inbox first_inbox;
  Inbox second_inbox;
  auto first = broker->join("one");
  auto second = broker->join("two");
  first_inbox.attach(*first);
  second_inbox.attach(*second);
  publish(*first, beat("mas-1", 1));
  publish(*second, beat("mas-2", 1));
  publish(*first, beat("mas-1", 2));
  CHECK(first_inbox.wait_for(2).back().slot == "mas-1");
  CHECK(second_inbox.wait_for(1).back().slot == "mas-2");
  CHECK(second_inbox.now().size() == 1);
}

TEST_CASE("one that joins later hears only what comes after") {
  auto broker = some_broker();
  Inbox early_inbox;
  Inbox late_inbox;
  auto early = broker->join("one");
  early_inbox.attach(*early);
  publish(*early, beat("mas-0", 1));
  CHECK(early_inbox.wait_for(1).size() == 1);
  auto late = broker->join("one");
  late_inbox.attach(*late);
  publish(*early, beat("mas-0", 2));
  CHECK(late_inbox.wait_for(1).front().sequence == 2);
}

TEST_CASE("one that left hears nothing more, and the others go on") {
  auto broker = some_broker();
  Inbox stays_inbox;
  Inbox goes_inbox;
  auto stays = broker->join("one");
  auto goes = broker->join("one");
  stays_inbox.attach(*stays);
  goes_inbox.attach(*goes);
  publish(*goes, beat("mas-1", 1));
  CHECK(goes_inbox.wait_for(1).size() == 1);
  goes.reset();
  publish(*stays, beat("mas-0", 1));
  CHECK(stays_inbox.wait_for(2).back().slot == "mas-0");
  CHECK(goes_inbox.now().size() == 1);
}

TEST_CASE("publishing works where nobody listens") {
  auto broker = some_broker();
  auto bus = broker->join("one");
  publish(*bus, beat("mas-0", 1));
  Inbox inbox;
  inbox.attach(*bus);
  publish(*bus, beat("mas-0", 2));
  CHECK(inbox.wait_for(1).back().sequence == 2);
  bus.reset();
}

TEST_CASE("what others could not read is refused") {
  auto broker = some_broker();
  Inbox inbox;
  auto bus = broker->join("one");
  inbox.attach(*bus);
  Heartbeat odd = beat("mas-0", 1);
  for (const std::string& zone : {std::string("\xff"), std::string(257, 'z')}) {
    odd.zone = zone;
    CHECK(code_of(run_blocking_for(bus->publish(odd))) == Code::invalid_argument);
  }
  odd.zone = std::string(256, 'z');
  publish(*bus, odd);
  CHECK(inbox.wait_for(1).front() == odd);
  bus.reset();
}

TEST_CASE("a later listener takes the earlier one's place") {
  auto broker = some_broker();
  Inbox first;
  Inbox second;
  auto bus = broker->join("one");
  first.attach(*bus);
  second.attach(*bus);
  publish(*bus, beat("mas-0", 1));
  CHECK(second.wait_for(1).size() == 1);
  CHECK(first.now().empty());
  bus.reset();
}

TEST_CASE("pods publish at the same time without losing anything") {
  auto broker = some_broker();
  constexpr std::uint64_t kBeats = 200;
  Inbox inboxes[4];
  std::vector<std::unique_ptr<HeartbeatBus>> buses;
  for (Inbox& inbox : inboxes) {
    buses.push_back(broker->join("one"));
    inbox.attach(*buses.back());
  }
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (std::uint64_t sequence = 1; sequence <= kBeats; ++sequence) {
        publish(*buses[i], beat("mas-" + std::to_string(i), sequence));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (Inbox& inbox : inboxes) {
    std::map<std::string, std::uint64_t> last;
    for (const Heartbeat& heard : inbox.wait_for(4 * kBeats)) {
      CHECK(heard.sequence == ++last[heard.slot]);
    }
  }
}
