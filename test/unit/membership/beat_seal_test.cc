#include "membership/beat_seal.h"

#include <catch2/catch.hpp>

#include "beats.h"
#include "mas/membership/leavers.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;

namespace {

const std::string kSecret = "0123456789abcdef";

Heartbeat said(int pod, int boot, std::uint64_t sequence) {
  Heartbeat heard = beat(pod);
  heard.boot = id(boot);
  heard.sequence = sequence;
  return heard;
}

struct Memory {
  BeatMemory memory{key(0), kSilence};
  bool is_new(const Heartbeat& beat, Duration when = seconds(0)) {
    return memory.take(beat, true, at(when)) == WireFault::none;
  }
  WireFault unsealed(const Heartbeat& beat, Duration when = seconds(0)) {
    return memory.take(beat, false, at(when));
  }
};

}  // namespace

TEST_CASE("a seal holds for the bytes, the secret and the cluster that it was made for") {
  const auto keys = auth::cluster_keys({kSecret}, "mas");
  const Seal seal = make_seal("a beat", keys.front());
  CHECK(seal.mac.size() == 64);
  CHECK(check_seal("a beat", seal, keys) == WireFault::none);
  CHECK(check_seal("a beaT", seal, keys) == WireFault::forged);
  CHECK(check_seal("a beat", {}, keys) == WireFault::unsealed);
  CHECK(check_seal("a beat", {seal.key, ""}, keys) == WireFault::forged);
  CHECK(check_seal("a beat", {"", seal.mac}, keys) == WireFault::forged);
  CHECK(check_seal("a beat", {seal.key, seal.mac.substr(2)}, keys) == WireFault::forged);
  CHECK(check_seal("a beat", {seal.key, std::string(64, 'z')}, keys) == WireFault::forged);
  CHECK(check_seal("a beat", seal, auth::cluster_keys({kSecret}, "other")) == WireFault::forged);
  CHECK(check_seal("a beat", seal, auth::cluster_keys({kSecret + "x"}, "mas")) ==
        WireFault::forged);
}

TEST_CASE("during a change of the secret both seal") {
  const auto before = auth::cluster_keys({kSecret}, "mas");
  const auto during = auth::cluster_keys({"the-new-one-0123", kSecret}, "mas");
  const auto after = auth::cluster_keys({"the-new-one-0123"}, "mas");
  CHECK(check_seal("a beat", make_seal("a beat", before.front()), during) == WireFault::none);
  CHECK(check_seal("a beat", make_seal("a beat", during.front()), after) == WireFault::none);
  CHECK(check_seal("a beat", make_seal("a beat", before.front()), after) == WireFault::forged);
}

TEST_CASE("a beat counts once, and those of one process only as they rise") {
  Memory memory;
  CHECK(memory.is_new(said(1, 1, 5)));
  CHECK_FALSE(memory.is_new(said(1, 1, 5)));
  CHECK_FALSE(memory.is_new(said(1, 1, 4)));
  CHECK(memory.is_new(said(2, 2, 4)));
  CHECK(memory.is_new(said(1, 1, 6)));
}

TEST_CASE("a process that begins anew is heard at once, and one before it no more") {
  Memory memory;
  CHECK(memory.is_new(said(1, 1, 100)));
  CHECK(memory.is_new(said(1, 2, 200)));
  // Recorded before this pod heard of the new one, which is the one that runs.
  CHECK_FALSE(memory.is_new(said(1, 1, 101)));
  // Recorded before this pod began to listen.
  CHECK_FALSE(memory.is_new(said(1, 3, 50)));
  CHECK_FALSE(memory.is_new(said(1, 3, 51), seconds(9)));
  CHECK_FALSE(memory.is_new(said(1, 1, 102), seconds(9)));
}

TEST_CASE("what counted of an earlier process does not count again when the later one is gone") {
  Memory memory;
  CHECK(memory.is_new(said(1, 1, 100)));
  CHECK(memory.is_new(said(1, 2, 200)));
  CHECK_FALSE(memory.is_new(said(1, 1, 100), seconds(10)));
}

TEST_CASE("an earlier process that names the later one runs still and is heard") {
  Memory memory;
  CHECK(memory.is_new(said(1, 1, 100)));
  CHECK(memory.is_new(said(1, 2, 200)));
  Heartbeat elder = said(1, 1, 101);
  elder.twin = id(2);
  CHECK(memory.is_new(elder));
  CHECK_FALSE(memory.is_new(elder));
  elder.twin = id(3);
  elder.sequence = 102;
  CHECK_FALSE(memory.is_new(elder));
}

TEST_CASE("a process whose clock was set back is heard once the one before it is silent") {
  Memory memory;
  CHECK(memory.is_new(said(1, 1, 100)));
  CHECK_FALSE(memory.is_new(said(1, 2, 50), seconds(9)));
  CHECK(memory.is_new(said(1, 2, 51), seconds(10)));
}

TEST_CASE("of its own name a pod hears every process") {
  Memory memory;
  CHECK(memory.is_new(said(0, 1, 100)));
  CHECK(memory.is_new(said(0, 2, 50)));
  CHECK_FALSE(memory.is_new(said(0, 2, 50)));
}

TEST_CASE("a beat without a seal says no more than mas 0.1.0 does") {
  Memory memory;
  Heartbeat plain = beat(1);
  plain.sequence = 5;
  CHECK(memory.unsealed(plain) == WireFault::none);
  CHECK(memory.unsealed(plain) == WireFault::repeated);
  plain.sequence = 6;
  for (int what = 0; what < 4; ++what) {
    CAPTURE(what);
    Heartbeat more = plain;
    if (what == 0) more.boot = id(1);
    if (what == 1) more.twin = id(1);
    if (what == 2) more.settling.emplace();
    if (what == 3) more.state = kReturned;
    CHECK(memory.unsealed(more) == WireFault::unsealed);
  }
  CHECK(memory.unsealed(plain) == WireFault::none);
}

TEST_CASE("who has proved itself is not believed without a seal, until it was silent") {
  Memory memory;
  Heartbeat plain = beat(1);
  plain.sequence = 1000;
  CHECK(memory.unsealed(plain) == WireFault::none);
  // Whatever was said without one does not make it look old.
  CHECK(memory.is_new(said(1, 1, 5), seconds(1)));
  plain.sequence = 2000;
  CHECK(memory.unsealed(plain, seconds(10)) == WireFault::unsealed);
  CHECK(memory.is_new(said(1, 1, 6), seconds(10)));
  // It went back to mas 0.1.0.
  CHECK(memory.unsealed(plain, seconds(20)) == WireFault::none);
}

TEST_CASE("of its own name a pod hears nothing without a seal") {
  Memory memory;
  Heartbeat plain = beat(0);
  plain.sequence = 5;
  CHECK(memory.unsealed(plain) == WireFault::unsealed);
}

TEST_CASE("pods without a seal do not crowd out those with one") {
  Memory memory;
  CHECK(memory.is_new(said(1, 1, 10)));
  for (int pod = 0; pod < 5000; ++pod) {
    Heartbeat other = beat(2);
    other.slot = "pod-" + std::to_string(pod);
    other.sequence = 1;
    CHECK(memory.unsealed(other, seconds(1)) == WireFault::none);
  }
  CHECK_FALSE(memory.is_new(said(1, 1, 10), seconds(1)));
}

TEST_CASE("what is remembered is bounded, the longest silent is forgotten first") {
  Memory memory;
  for (int boot = 0; boot < 17; ++boot) {
    CHECK(memory.is_new(said(0, boot, 10), seconds(boot)));
  }
  CHECK_FALSE(memory.is_new(said(0, 16, 10), seconds(20)));
  CHECK(memory.is_new(said(0, 0, 10), seconds(20)));
  for (int pod = 0; pod < 5000; ++pod) {
    Heartbeat other = said(1, 1, 10);
    other.slot = "pod-" + std::to_string(pod);
    CHECK(memory.is_new(other, seconds(30 + pod)));
  }
  Heartbeat last = said(1, 1, 10);
  last.slot = "pod-4999";
  CHECK_FALSE(memory.is_new(last, seconds(9000)));
  last.slot = "pod-0";
  CHECK(memory.is_new(last, seconds(9000)));
}
