// Probes, direct and through another pod.
#include <catch2/catch.hpp>

#include "support/fake_clock.h"
#include "transport_rig.h"

using namespace mas;
using namespace mas::test;

namespace {

constexpr Duration kTimeout = std::chrono::seconds(5);

Result<peer::PingAnswer> ping(TransportRig& rig, const std::string& address) {
  return run_blocking_for(rig.transport->ping(address, kTimeout));
}

Result<peer::PingAnswer> through(TransportRig& rig, const std::string& via,
                                 const std::string& target) {
  return run_blocking_for(rig.transport->probe_through(via, target, kTimeout));
}

std::string free_address() {
  TcpRelay gone("");
  return gone.address();
}

// Runs `task` and moves the clock until it ends: slowly, as handshakes take time on a busy machine.
template <class T>
Result<T> run_out(FakeClock& clock, Task<Result<T>> task) {
  auto result = std::async(std::launch::async, [&] { return run_blocking_for(std::move(task)); });
  while (result.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) {
    clock.advance(std::chrono::milliseconds(50));
  }
  return result.get();
}

}  // namespace

TEST_CASE("A ping says who is there") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  PeerPod pod(rig.io, *clock, 1);
  pod.layout_version = 9;
  pod.cluster_id.bytes.fill(0x31);
  pod.options.known = [](std::string_view, const Id128&) { return false; };
  pod.start();
  peer::PingAnswer answer = must(ping(rig, pod.address()));
  CHECK(answer.slot == "mas-1");
  CHECK(answer.incarnation == pod.store.incarnation());
  CHECK(answer.cluster == "testing");
  CHECK(answer.cluster_id == pod.cluster_id);
  CHECK(answer.layout_version == 9);
  CHECK(answer.software == "0.0 (test)");
  CHECK(answer.wall.unix_micros > FakeClock::kStart.unix_micros);
}

TEST_CASE("A ping tells nobody there from nobody answering, and from somebody else") {
  auto system = make_system_clock();
  TransportRig rig(*system);
  CHECK(code_of(ping(rig, free_address())) == Code::closed);
  CHECK(code_of(ping(rig, "nonsense")) == Code::closed);
  PeerPod other(rig.io, *system, 1);
  other.start();
  peer::Self stranger = rig.own.self();
  // Its name is part of the key that pods have from the secret; so is it of what they say.
  stranger.cluster = "another";
  auto transport =
      peer::make_http_transport(stranger, {}, [](layout::MemberIndex) { return std::nullopt; },
                                {rig.io, *system, rig.own.store});
  CHECK(code_of(run_blocking_for(transport->ping(other.address(), kTimeout))) == Code::refused);
  run_blocking(transport->close());
}

TEST_CASE("A ping to a pod that hangs ends at its time-out") {
  FakeClock clock;
  TransportRig rig(clock);
  TcpRelay silent("");
  CHECK(code_of(run_out(clock, rig.transport->ping(silent.address(), kTimeout))) == Code::timeout);
  CHECK(clock.now().since_start >= kTimeout);
  CHECK(clock.now().since_start < 2 * kTimeout);
}

TEST_CASE("A member tells its share of the ledger, or why not, within the time given") {
  FakeClock clock;
  TransportRig rig(clock);
  PeerPod pod(rig.io, clock, 1);
  pod.options.ledger = [] { return std::string("{\"v\":1}"); };
  pod.start();
  PeerPod older(rig.io, clock, 2);
  older.start();
  TcpRelay silent("");
  rig.set(1, pod.member());
  rig.set(2, older.member());
  rig.set(3, pod, silent);
  auto ask = [&](layout::MemberIndex member) { return rig.transport->ledger(member, kTimeout); };
  CHECK(must(run_blocking_for(ask(1))) == "{\"v\":1}");
  CHECK(code_of(run_blocking_for(ask(2))) == Code::refused);
  CHECK(code_of(run_out(clock, ask(3))) == Code::timeout);
  CHECK(code_of(run_blocking_for(ask(9))) == Code::closed);
}

TEST_CASE("Through another pod a third one is probed; who failed can be told") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  PeerPod via(rig.io, *clock, 1);
  via.options.prober = rig.transport.get();
  via.start();
  PeerPod target(rig.io, *clock, 2);
  target.start();
  peer::PingAnswer answer = must(through(rig, via.address(), target.address()));
  CHECK(answer.slot == "mas-2");
  CHECK(answer.incarnation == target.store.incarnation());
  CHECK(code_of(through(rig, via.address(), free_address())) == Code::not_found);
  CHECK(code_of(through(rig, via.address(), "a b&c=%d")) == Code::not_found);
  CHECK(code_of(through(rig, free_address(), target.address())) == Code::closed);
  // A pod that makes no probes refuses.
  CHECK(code_of(through(rig, target.address(), via.address())) == Code::refused);
}

TEST_CASE("A third pod that hangs is told from a hanging go-between") {
  FakeClock clock;
  TransportRig rig(clock);
  PeerPod via(rig.io, clock, 1);
  via.options.prober = rig.transport.get();
  via.start();
  TcpRelay silent("");
  auto probe = [&](const std::string& through, const std::string& target) {
    return code_of(run_out(clock, rig.transport->probe_through(through, target, kTimeout)));
  };
  // The go-between has half of the time. Its answer is waited for once that is over, so that the
  // clock does not run away from it on a busy machine.
  auto asked = std::async(std::launch::async, [&] {
    return code_of(
        run_blocking_for(rig.transport->probe_through(via.address(), silent.address(), kTimeout)));
  });
  while (silent.sent() == 0) std::this_thread::yield();
  clock.advance(kTimeout / 2);
  CHECK(asked.get() == Code::not_found);
  CHECK(probe(silent.address(), via.address()) == Code::timeout);
}

TEST_CASE("A pod makes a bounded number of probes for others") {
  // Probes that never end by themselves.
  class Stuck final : public peer::Prober {
   public:
    Task<Result<peer::PingAnswer>> ping(std::string, Duration) override {
      ++running;
      co_await go_on.wait();
      co_return Error(Code::closed, "Gone.");
    }
    Task<Result<peer::PingAnswer>> probe_through(std::string, std::string, Duration) override {
      co_return Error(Code::closed, "Gone.");
    }
    std::atomic<int> running{0};
    Event go_on;
  };
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  Stuck stuck;
  PeerPod via(rig.io, *clock, 1);
  via.options.prober = &stuck;
  via.start();
  std::vector<std::future<Code>> probes;
  for (int i = 0; i < 8; ++i) {
    probes.push_back(std::async(
        std::launch::async, [&] { return code_of(through(rig, via.address(), "127.0.0.1:1")); }));
  }
  wait_until([&] { return stuck.running == 8; });
  CHECK(code_of(through(rig, via.address(), "127.0.0.1:1")) == Code::busy);
  stuck.go_on.set();
  for (auto& probe : probes) CHECK(probe.get() == Code::not_found);
}
