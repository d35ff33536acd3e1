#include "membership/pulse.h"

#include <catch2/catch.hpp>

#include "beats.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;

namespace {

Heartbeat echo(std::uint64_t sequence, const std::string& address = "b:1") {
  Heartbeat heard = beat(0);
  heard.peer_address = address;
  heard.sequence = sequence;
  heard.boot = id(1);
  return heard;
}

// What `pulse` says at `now`, from `address`.
Heartbeat next(Pulse& pulse, Instant now, const std::string& address) {
  Heartbeat said = echo(pulse.next(now), address);
  said.boot = pulse.boot();
  said.twin = pulse.twin();
  return said;
}

}  // namespace

TEST_CASE("sequences grow from the first on") {
  Pulse pulse("b:1", 100, id(1));
  CHECK(pulse.next(at(seconds(0))) == 100);
  CHECK(pulse.next(at(seconds(2))) == 101);
}

TEST_CASE("beats that do not come back are missed after a while") {
  Pulse pulse("b:1", 100, id(1));
  CHECK_FALSE(pulse.unheard(at(seconds(50)), kSilence));
  pulse.next(at(seconds(50)));
  CHECK_FALSE(pulse.unheard(at(seconds(59)), kSilence));
  pulse.next(at(seconds(59)));
  CHECK(pulse.unheard(at(seconds(60)), kSilence));
  pulse.hear(echo(101), at(seconds(61)));
  CHECK_FALSE(pulse.unheard(at(seconds(70)), kSilence));
  CHECK(pulse.unheard(at(seconds(71)), kSilence));
  pulse.rest();
  CHECK_FALSE(pulse.unheard(at(seconds(99)), kSilence));
  pulse.next(at(seconds(200)));
  CHECK_FALSE(pulse.unheard(at(seconds(209)), kSilence));
  CHECK_FALSE(pulse.has_elder());
  CHECK_FALSE(pulse.has_younger());
}

TEST_CASE("of two processes with one data directory the later one notices that it must stop") {
  Pulse elder("a:1", 100, id(1));
  Pulse younger("b:1", 5000, id(2));
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(younger.has_elder());
    auto time = at(seconds(i));
    Heartbeat first = next(elder, time, "a:1");
    Heartbeat second = next(younger, time, "b:1");
    for (Pulse* pulse : {&elder, &younger}) {
      pulse->hear(first, time);
      pulse->hear(second, time);
    }
  }
  CHECK(younger.has_elder());
  CHECK_FALSE(elder.has_elder());
  CHECK(elder.has_younger());
}

TEST_CASE("of two processes started at the same time the address decides") {
  Pulse a("a:1", 100, id(1));
  Pulse b("b:1", 100, id(2));
  for (int i = 0; i < 3; ++i) {
    Heartbeat first = next(a, at(seconds(i)), "a:1");
    Heartbeat second = next(b, at(seconds(i)), "b:1");
    for (Pulse* pulse : {&a, &b}) {
      pulse->hear(first, at(seconds(i)));
      pulse->hear(second, at(seconds(i)));
    }
  }
  CHECK(b.has_elder());
  CHECK_FALSE(a.has_elder());
}

TEST_CASE(
    "the beats of a process before are not taken for another pod, however many are said again") {
  Pulse pulse("b:1", 5000, id(2));
  pulse.next(at(seconds(0)));
  for (std::uint64_t i = 0; i < 3; ++i) {
    Heartbeat old = echo(90 + i);
    // It had a twin of its own.
    old.twin = id(3);
    pulse.hear(old, at(seconds(i)));
  }
  CHECK_FALSE(pulse.has_elder());
  CHECK_FALSE(pulse.has_younger());
  CHECK(pulse.twin() == id(1));
}

TEST_CASE("beats that name no process stop nobody, however many come") {
  Pulse pulse("b:1", 5000, id(2));
  pulse.next(at(seconds(0)));
  for (std::uint64_t sequence : {std::uint64_t{98}, std::uint64_t{99}, std::uint64_t{9999}}) {
    Heartbeat nameless = echo(sequence);
    nameless.boot = {};
    pulse.hear(nameless, at(seconds(1)));
  }
  CHECK_FALSE(pulse.has_elder());
  CHECK_FALSE(pulse.has_younger());
}
