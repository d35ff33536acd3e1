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
  return heard;
}

}  // namespace

TEST_CASE("sequences grow from the first on") {
  Pulse pulse("b:1", 100);
  CHECK(pulse.next(at(seconds(0))) == 100);
  CHECK(pulse.next(at(seconds(2))) == 101);
}

TEST_CASE("beats that do not come back are missed after a while") {
  Pulse pulse("b:1", 100);
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
  Pulse elder("a:1", 100);
  Pulse younger("b:1", 5000);
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(younger.has_elder());
    auto time = at(seconds(i));
    Heartbeat first = echo(elder.next(time), "a:1");
    Heartbeat second = echo(younger.next(time), "b:1");
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
  Pulse a("a:1", 100);
  Pulse b("b:1", 100);
  for (int i = 0; i < 3; ++i) {
    Heartbeat first = echo(a.next(at(seconds(i))), "a:1");
    Heartbeat second = echo(b.next(at(seconds(i))), "b:1");
    for (Pulse* pulse : {&a, &b}) {
      pulse->hear(first, at(seconds(i)));
      pulse->hear(second, at(seconds(i)));
    }
  }
  CHECK(b.has_elder());
  CHECK_FALSE(a.has_elder());
}

TEST_CASE("the last beat of the process before is not taken for another pod") {
  Pulse pulse("b:1", 5000);
  pulse.next(at(seconds(0)));
  for (int i = 0; i < 3; ++i) pulse.hear(echo(99), at(seconds(i)));
  CHECK_FALSE(pulse.has_elder());
}
