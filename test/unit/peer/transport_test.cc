// The HTTP transport's connections: kept, counted, replaced, given up.
#include <catch2/catch.hpp>

#include "request_text.h"
#include "support/fake_clock.h"
#include "support/scripted_server.h"
#include "transport_rig.h"

using namespace mas;
using namespace mas::test;
using Op = MemoryStore::Op;

TEST_CASE("Calls to this pod's own member need no network") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  rig.set(0, {"", "mas-0", rig.own.store.incarnation()});
  must(rig.put(0, 1, "own"));
  CHECK(as_text(must(rig.read(0, 1)).view()) == "own");
  CHECK(must(run_blocking_for(rig.transport->have(0, {rig.key(1), rig.key(2)}))) ==
        std::vector<bool>{true, false});
  must(run_blocking_for(rig.transport->quarantine(0, rig.key(1))));
  CHECK(rig.own.store.keys().empty());
}

TEST_CASE("Calls one after the other share one connection") {
  auto clock = make_system_clock();
  TransportRig rig(*clock, 1);
  PeerPod pod(rig.io, *clock, 1);
  pod.start();
  TcpRelay relay(pod.address());
  rig.set(1, pod, relay);
  for (std::uint64_t i = 0; i < 50; ++i) {
    must(rig.put(1, i, "text"));
    must(rig.read(1, i));
    CHECK(code_of(rig.read(1, i + 1000)) == Code::not_found);
    must(run_blocking_for(rig.transport->have(1, {rig.key(i)})));
  }
  CHECK(relay.accepted() == 1);
}

TEST_CASE("Calls at the same time share a bounded number of connections, on any threads") {
  auto clock = make_system_clock();
  for (std::size_t threads : {1, 2, 3}) {
    config::Peer options;
    options.connections = 2;
    TransportRig rig(*clock, threads, options);
    PeerPod pod(rig.io, *clock, 1);
    pod.start();
    TcpRelay relay(pod.address());
    rig.set(1, pod, relay);
    pod.store.hang(Op::put);
    std::vector<std::future<Result<void>>> puts;
    for (std::uint64_t i = 0; i < 40; ++i) puts.push_back(rig.start_put(1, i));
    wait_until([&] { return pod.store.calls(Op::put) >= 2; });
    CHECK(pod.store.calls(Op::put) == 2);
    pod.store.release();
    for (auto& put : puts) must(put.get());
    CHECK(pod.store.keys().size() == 40);
    CHECK(relay.accepted() == 2);
  }
}

TEST_CASE("No more than a bounded number of calls waits for a connection") {
  auto clock = make_system_clock();
  config::Peer options;
  options.connections = 1;
  TransportRig rig(*clock, 1, options);
  PeerPod pod(rig.io, *clock, 1);
  pod.start();
  rig.set(1, pod.member());
  pod.store.hang(Op::put);
  std::vector<std::future<Result<void>>> puts;
  for (std::uint64_t i = 0; i < 100; ++i) puts.push_back(rig.start_put(1, i));
  // One is at the store, 64 wait; the others are turned away at once.
  for (std::size_t i = 65; i < 100; ++i) CHECK(code_of(puts[i].get()) == Code::busy);
  pod.store.release();
  for (std::size_t i = 0; i < 65; ++i) must(puts[i].get());
}

TEST_CASE("A restarted pod is found at its new address at once") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  auto pod = std::make_unique<PeerPod>(rig.io, *clock, 1);
  pod->start();
  rig.set(1, pod->member());
  for (std::uint64_t i = 0; i < 10; ++i) must(rig.put(1, i, "before"));
  pod.reset();
  CHECK(code_of(rig.put(1, 1, "while")) == Code::closed);
  pod = std::make_unique<PeerPod>(rig.io, *clock, 1);
  pod->start();
  rig.set(1, pod->member());
  for (std::uint64_t i = 0; i < 10; ++i) must(rig.put(1, i, "after"));
  CHECK(pod->store.keys().size() == 10);
}

TEST_CASE("A kept connection that was cut is replaced without anybody noticing") {
  auto clock = make_system_clock();
  TransportRig rig(*clock, 1);
  PeerPod pod(rig.io, *clock, 1);
  pod.start();
  TcpRelay relay(pod.address());
  rig.set(1, pod, relay);
  for (std::uint64_t i = 0; i < 5; ++i) {
    must(rig.put(1, i, "text"));
    relay.cut();
    must(rig.read(1, i));
    relay.cut();
    must(run_blocking_for(rig.transport->have(1, {rig.key(i)})));
    relay.cut();
  }
  CHECK(relay.accepted() > 5);
}

TEST_CASE("A member that is another pod, or was, refuses") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  PeerPod pod(rig.io, *clock, 1);
  pod.start();
  peer::Address address = pod.member();
  address.slot = "mas-2";
  rig.set(1, address);
  CHECK(code_of(rig.put(1, 1, "x")) == Code::refused);
  address = pod.member();
  address.incarnation.bytes.fill(0x42);
  rig.set(1, address);
  Result<void> refused = rig.put(1, 1, "x");
  CHECK(code_of(refused) == Code::refused);
  CHECK_FALSE(refused.error().maybe_happened());
  CHECK(pod.store.keys().empty());
}

TEST_CASE("A put under an older layout is stale, and says the newer version") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  PeerPod pod(rig.io, *clock, 1);
  pod.start();
  rig.set(1, pod.member());
  pod.layout_version = 5;
  Result<void> stale = rig.put(1, 1, std::string(3'000'000, 'x'), 4);
  REQUIRE(code_of(stale) == Code::stale_layout);
  CHECK_FALSE(stale.error().maybe_happened());
  CHECK(stale.error().message().find("version 5") != std::string::npos);
  must(rig.put(1, 1, "x", 5));
  must(rig.put(1, 1, "x", 6));
  must(rig.read(1, 1));
}

TEST_CASE("A pod that takes a call and never answers costs the time-out; a put may have happened") {
  FakeClock clock;
  TransportRig rig(clock, 1);
  TcpRelay silent("");
  // Without TLS, whose handshake would wait for an answer, too.
  rig.set(1, {silent.address(), "mas-1", Id128{}, true});
  auto put = rig.start_put(1, 1, std::string(1000, 'x'));
  wait_until([&] { return silent.sent() > 1000; });
  while (put.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) {
    clock.advance(std::chrono::seconds(1));
  }
  Result<void> result = put.get();
  REQUIRE(code_of(result) == Code::timeout);
  CHECK(result.error().maybe_happened());
  CHECK(clock.now().since_start >= config::Peer().io_timeout);
  CHECK(clock.now().since_start < 2 * config::Peer().io_timeout);
}

TEST_CASE("A pod that cannot be connected to has certainly not been reached") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  std::string address;
  {
    TcpRelay gone("");
    address = gone.address();
  }
  for (const std::string& at : {address, std::string(""), std::string("nonsense"),
                                std::string("127.0.0.1:99999"), std::string("127.0.0.1:1/x")}) {
    rig.set(1, {at, "mas-1", Id128{}});
    Result<void> result = rig.put(1, 1, "x");
    INFO(at);
    REQUIRE(code_of(result) == Code::closed);
    CHECK_FALSE(result.error().maybe_happened());
  }
}

TEST_CASE("Bytes that change on the way are read again; if they change again, they are corrupt") {
  auto clock = make_system_clock();
  TransportRig rig(*clock, 1);
  PeerPod pod(rig.io, *clock, 1);
  // TLS would notice first.
  pod.config.peer.accept_v1 = true;
  pod.start();
  TcpRelay relay(pod.address());
  rig.set(1, pod, relay, true);
  must(rig.put(1, 1, "some bytes"));
  std::atomic<int> left = 1;
  relay.change_answers([&](std::string& bytes) {
    if (bytes.ends_with("bytes") && left-- > 0) bytes.back() = '?';
  });
  CHECK(as_text(must(rig.read(1, 1)).view()) == "some bytes");
  left = 2;
  CHECK(code_of(rig.read(1, 1)) == Code::corrupt);
  left = 0;
  CHECK(as_text(must(rig.read(1, 1)).view()) == "some bytes");
  CHECK(pod.store.keys().size() == 1);
}

TEST_CASE("What is no pod is closed, whatever it says, and never one of a store's errors") {
  auto clock = make_system_clock();
  std::string good = "HTTP/1.1 200 OK\r\nMas-Peer-Version: 1\r\n";
  std::string sum = "Mas-Sum: " + std::string(32, '0') + "\r\n";
  for (const std::string& answer :
       {std::string("SSH-2.0-x\r\n\r\n"),
        std::string("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 404 No\r\nMas-Code: 6001\r\nContent-Length: 0\r\n\r\n"),
        good + "Content-Length: 1\r\n\r\nx", good + sum + "Content-Length: 1000\r\n\r\n",
        good + sum + "Content-Length: 5\r\n\r\nab", good + sum + "\r\nabc"}) {
    ScriptedServer server({{Play::expect_head(), Play::say(answer)}});
    TransportRig rig(*clock);
    rig.set(1, {server.address(), "mas-1", Id128{}, true});
    INFO(answer);
    CHECK(code_of(rig.read(1, 1, 100)) == Code::closed);
  }
}

TEST_CASE("An answer's code that is not known means refused") {
  auto clock = make_system_clock();
  for (const char* code : {"5301", "9999", "200", "18446744073709551615"}) {
    ScriptedServer server(
        {{Play::expect_head(), Play::say("HTTP/1.1 400 No\r\nMas-Peer-Version: 1\r\nMas-Code: " +
                                         std::string(code) + "\r\nContent-Length: 3\r\n\r\nNo.")}});
    TransportRig rig(*clock);
    rig.set(1, {server.address(), "mas-1", Id128{}, true});
    Result<Slice> result = rig.read(1, 1);
    REQUIRE(code_of(result) == Code::refused);
    CHECK(result.error().message() == "No.");
  }
}

TEST_CASE("Large records go both ways in pieces of any size, into aligned memory") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  PeerPod pod(rig.io, *clock, 1);
  pod.start();
  rig.set(1, pod.member());
  std::string text;
  std::vector<Slice> pieces;
  for (std::size_t i = 0; i < 60; ++i) {
    std::string piece(i * i * 100, static_cast<char>('a' + i % 26));
    text += piece;
    pieces.push_back(Slice::copy_of(as_bytes(piece)));
  }
  must(run_blocking_for(rig.transport->put(1, 1, rig.key(1), std::move(pieces))));
  Slice back = must(rig.read(1, 1, 100'000'000));
  CHECK(as_text(back.view()) == text);
  CHECK(reinterpret_cast<std::uintptr_t>(back.data()) % kBlockSize == 0);
}

TEST_CASE("More keys than one call takes are asked for in several") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  PeerPod pod(rig.io, *clock, 1);
  pod.start();
  rig.set(1, pod.member());
  must(rig.put(1, 0, "x"));
  must(rig.put(1, 9'999, "x"));
  std::vector<RecordKey> keys;
  for (std::uint64_t i = 0; i < 10'000; ++i) keys.push_back(rig.key(i));
  std::vector<bool> held = must(run_blocking_for(rig.transport->have(1, keys)));
  REQUIRE(held.size() == 10'000);
  CHECK(std::count(held.begin(), held.end(), true) == 2);
  CHECK((held.front() && held.back()));
}

TEST_CASE("After close() no call goes out") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  PeerPod pod(rig.io, *clock, 1);
  pod.start();
  rig.set(1, pod.member());
  must(rig.put(1, 1, "x"));
  run_blocking(rig.transport->close());
  Result<void> late = rig.put(1, 2, "x");
  CHECK(code_of(late) == Code::closed);
  CHECK_FALSE(late.error().maybe_happened());
  CHECK(code_of(rig.start_put(1, 3).get()) == Code::closed);
  CHECK(code_of(run_blocking_for(rig.transport->ping(pod.address(), std::chrono::seconds(1)))) ==
        Code::closed);
  CHECK(pod.store.keys().size() == 1);
}

// ---- Recalls ----

namespace {

Task<Result<void>> put_with(TransportRig& rig, std::shared_ptr<peer::Recall> recall,
                            std::uint64_t stripe) {
  return rig.transport->put_unless(std::move(recall), 1, 1, rig.key(stripe),
                                   {Slice::copy_of(as_bytes("x"))});
}

}  // namespace

TEST_CASE("A put or read that is taken back ends at once, and its connection is used no more") {
  FakeClock clock;  // no time-out ever comes
  auto threads = static_cast<std::size_t>(GENERATE(1, 2));
  TransportRig rig(clock, threads);
  PeerPod pod(rig.io, clock, 1);
  pod.start();
  TcpRelay relay(pod.address());
  rig.set(1, pod, relay);
  must(rig.put(1, 1, "kept"));

  pod.store.hang(Op::put);
  pod.store.hang(Op::read);
  auto recall = std::make_shared<peer::Recall>();
  std::future<Result<void>> put = rig.start(put_with(rig, recall, 2));
  wait_until([&] { return pod.store.calls(Op::put) == 2; });
  recall->recall();
  Result<void> ended = put.get();
  CHECK(code_of(ended) == Code::closed);
  CHECK(ended.error().maybe_happened());

  recall = std::make_shared<peer::Recall>();
  auto read = rig.start(rig.transport->read_unless(recall, 1, rig.key(1), 0, 10));
  wait_until([&] { return pod.store.calls(Op::read) == 1; });
  recall->recall();
  CHECK(code_of(read.get()) == Code::closed);

  pod.store.release();
  CHECK(as_text(must(rig.read(1, 1)).view()) == "kept");
}

TEST_CASE("Calls that wait for a connection are taken back as soon as they have one") {
  FakeClock clock;
  config::Peer options;
  options.connections = 1;
  TransportRig rig(clock, 1, options);
  PeerPod pod(rig.io, clock, 1);
  pod.start();
  TcpRelay relay(pod.address());
  rig.set(1, pod, relay);
  pod.store.hang(Op::put);
  std::vector<std::shared_ptr<peer::Recall>> recalls;
  std::vector<std::future<Result<void>>> puts;
  for (std::uint64_t i = 0; i < 20; ++i) {
    recalls.push_back(std::make_shared<peer::Recall>());
    puts.push_back(rig.start(put_with(rig, recalls.back(), i)));
    // The first has the connection, the others wait for it.
    wait_until([&] { return pod.store.calls(Op::put) == 1; });
  }
  // It is the last to give up, so that none of the others gets the connection before its recall.
  for (auto recall = recalls.rbegin(); recall != recalls.rend(); ++recall) (*recall)->recall();
  for (auto& put : puts) CHECK(code_of(put.get()) == Code::closed);
  CHECK(pod.store.calls(Op::put) == 1);
  pod.store.release();
  must(rig.put(1, 1, "x"));
}

TEST_CASE("A recall that comes before the call, or after it, does no harm") {
  auto clock = make_system_clock();
  TransportRig rig(*clock, 1);
  PeerPod pod(rig.io, *clock, 1);
  pod.start();
  TcpRelay relay(pod.address());
  rig.set(1, pod, relay);
  auto recall = std::make_shared<peer::Recall>();
  must(run_blocking_for(put_with(rig, recall, 1)));
  recall->recall();
  CHECK(code_of(run_blocking_for(put_with(rig, recall, 2))) == Code::closed);
  CHECK(pod.store.keys().size() == 1);
  must(rig.put(1, 3, "x"));
  CHECK(relay.accepted() == 1);
}

TEST_CASE("Who does not know the cluster's secret reaches nobody, and is counted") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  PeerPod pod(rig.io, *clock, 1);
  pod.secrets = {"another secret, as long"};
  pod.start();
  rig.set(1, pod.member());
  CHECK(code_of(rig.put(1, 1, "x")) == Code::closed);
  CHECK(code_of(run_blocking_for(rig.transport->ping(pod.address(), std::chrono::seconds(5)))) ==
        Code::closed);
  wait_until([&] { return pod.metric("mas_http_handshake_failures_total") >= 2; });
  CHECK(pod.store.keys().empty());
}

TEST_CASE("During a change of the secret either is good, the first one is used") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  PeerPod changing(rig.io, *clock, 1);
  changing.secrets = {"the new one, as long", kPeerSecret};
  changing.start();
  rig.set(1, changing.member());
  must(rig.put(1, 1, "x"));
  PeerPod changed(rig.io, *clock, 2);
  changed.secrets = {"the new one, as long"};
  changed.start();
  auto find = [&](layout::MemberIndex) { return std::optional<peer::Address>(changed.member()); };
  auto transport =
      peer::make_http_transport(changing.self(), {}, find, {rig.io, *clock, rig.own.store});
  must(run_blocking_for(transport->put(2, 1, rig.key(1), {Slice::copy_of(as_bytes("x"))})));
  run_blocking(transport->close());
}

TEST_CASE("In the clear the peer port hears nobody") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  PeerPod pod(rig.io, *clock, 1);
  pod.start();
  peer::Address v1 = pod.member();
  v1.v1 = true;
  rig.set(1, v1);
  CHECK(code_of(rig.put(1, 1, "x")) == Code::closed);
  RawClient client(pod.address());
  CHECK(client.ask(RequestText(pod).text()).status == 0);
  CHECK(pod.store.keys().empty());
}

TEST_CASE("Where pods of mas 0.1.0 are accepted they show the secret, and others their key") {
  auto clock = make_system_clock();
  config::Peer options;
  options.accept_v1 = true;
  TransportRig rig(*clock, 2, options);
  PeerPod pod(rig.io, *clock, 1, options);
  pod.start();
  peer::Address v1 = pod.member();
  rig.set(1, v1);
  must(rig.put(1, 1, "by key"));
  v1.v1 = true;
  rig.set(1, v1);
  must(rig.put(1, 2, "by secret"));
  CHECK(pod.store.keys().size() == 2);
  for (const char* version : {"2", "1"}) {
    RawClient client(pod.address());
    RequestText request(pod);
    request.set("Mas-Peer-Version", version).drop("Authorization");
    RawAnswer answer = client.ask(request.text());
    CHECK(answer.status == 401);
    CHECK(answer.field("Mas-Slot").empty());
  }
}

TEST_CASE("A pod that speaks version 1 only is called that way where that is accepted") {
  auto clock = make_system_clock();
  config::Peer options;
  options.accept_v1 = true;
  IoThreads io(1);
  io.start();
  PeerPod old(io, *clock, 1, options);
  old.speaks_v1 = true;
  old.start();
  const auto timeout = std::chrono::seconds(5);
  {
    TransportRig rig(*clock, 2, options);
    CHECK(must(run_blocking_for(rig.transport->ping(old.address(), timeout))).slot == "mas-1");
  }
  TransportRig strict(*clock);
  CHECK(code_of(run_blocking_for(strict.transport->ping(old.address(), timeout))) == Code::closed);
}

TEST_CASE("Calls that are reserved are known as such") {
  auto clock = make_system_clock();
  TransportRig rig(*clock);
  PeerPod pod(rig.io, *clock, 1);
  pod.config.peer.accept_v1 = true;
  pod.start();
  for (const char* path : {"records", "synced"}) {
    RawClient client(pod.address());
    CHECK(peer_code(client.ask(RequestText(pod).to("POST", path).text())) == Code::not_implemented);
  }
}
