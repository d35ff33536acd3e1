// The peer port against requests by hand: what it does, and everything it refuses.
#include <catch2/catch.hpp>
#include <functional>

#include "mas/runtime/io_threads.h"
#include "request_text.h"

using namespace mas;
using namespace mas::test;

namespace {

struct Rig {
  Rig() {
    io.start();
    // By hand, that is, without TLS.
    pod.config.peer.accept_v1 = true;
  }
  ~Rig() { pod.stop(); }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  RawAnswer ask(const RequestText& request) {
    RawClient client(pod.address());
    return client.ask(request.text());
  }
  Code code(const RequestText& request) { return peer_code(ask(request)); }

  IoThreads io{1};
  std::unique_ptr<Clock> clock = make_system_clock();
  PeerPod pod{io, *clock, 1};
};

std::string record(std::uint64_t stripe) {
  return "record/" + peer::wire::key_text(stripe_key(stripe));
}

}  // namespace

TEST_CASE("A record goes in and comes out with its checksum") {
  Rig rig;
  rig.pod.start();
  CHECK(rig.code(RequestText(rig.pod, "0123456789")) == Code::ok);
  CHECK(as_text(rig.pod.store.payload(stripe_key(1))->view()) == "0123456789");
  RequestText read(rig.pod, "");
  RawAnswer answer = rig.ask(read.to("GET", record(1) + "?offset=2&length=5"));
  CHECK(peer_code(answer) == Code::ok);
  CHECK(answer.body == "23456");
  CHECK(answer.field("Mas-Sum") == peer::wire::sum_text(xxh3_128(as_bytes("23456"))));
  answer = rig.ask(read.to("GET", record(1) + "?offset=20&length=5"));
  CHECK(peer_code(answer) == Code::ok);
  CHECK(answer.body.empty());
}

TEST_CASE("The metrics say whether peers that prove nothing are accepted") {
  Rig rig;
  rig.pod.start();
  CHECK(rig.pod.metric("mas_peer_accepts_v1") == 1);
  PeerPod strict(rig.io, *rig.clock, 2);
  strict.start();
  CHECK(strict.metric("mas_peer_accepts_v1") == 0);
}

TEST_CASE("Without the cluster's secret nothing is done and nothing is told") {
  Rig rig;
  rig.pod.start();
  for (const char* path : {"ping", "have", "probe", "nonsense"}) {
    RequestText request(rig.pod);
    request.to("GET", path).drop("Authorization");
    CHECK(rig.code(request) == Code::system_token_invalid);
  }
  std::string almost = kPeerSecret;
  almost.back() = '?';
  std::vector<std::string> wrong{"Bearer",    "Bearer ",          "Basic " + kPeerSecret,
                                 kPeerSecret, "Bearer " + almost, "Bearer " + kPeerSecret + "x"};
  for (const std::string& value : wrong) {
    RequestText request(rig.pod);
    request.set("Authorization", value);
    RawAnswer answer = rig.ask(request);
    CHECK(answer.status == 401);
    CHECK(peer_code(answer) == Code::system_token_invalid);
    CHECK(answer.head.find("mas-1") == std::string::npos);
    CHECK(answer.head.find(kPeerSecret) + answer.body.find(kPeerSecret) ==
          std::string::npos + std::string::npos);
  }
  RequestText doubled(rig.pod);
  CHECK(rig.code(doubled.twice("Authorization")) == Code::system_token_invalid);
  CHECK(rig.pod.store.keys().empty());
}

TEST_CASE("Each refusal has its code") {
  Rig rig;
  rig.pod.options.known = [](std::string_view slot, const Id128&) { return slot == "mas-9"; };
  rig.pod.layout_version = 7;
  rig.pod.start();
  using Spoil = std::function<void(RequestText&)>;
  struct Case {
    std::string what;
    Spoil spoil;
    Code code;
  };
  std::string other_id(32, '5');
  std::vector<Case> cases{
      {"version", [](auto& r) { r.set("Mas-Peer-Version", "3"); }, Code::system_token_invalid},
      {"cluster", [](auto& r) { r.set("Mas-Cluster", "other"); }, Code::refused},
      {"target slot", [](auto& r) { r.set("Mas-Target-Slot", "mas-2"); }, Code::refused},
      {"target", [&](auto& r) { r.set("Mas-Target-Incarnation", other_id); }, Code::refused},
      {"incarnation", [](auto& r) { r.set("Mas-Slot", "mas-8"); }, Code::refused},
      {"stale", [](auto& r) { r.set("Mas-Layout", "6"); }, Code::stale_layout},
      {"layout", [](auto& r) { r.set("Mas-Layout", "-1"); }, Code::parameter_malformed},
      {"id", [](auto& r) { r.set("Mas-Incarnation", "xyz"); }, Code::parameter_malformed},
      {"slot", [](auto& r) { r.set("Mas-Slot", "%zz"); }, Code::parameter_malformed},
      {"no slot", [](auto& r) { r.set("Mas-Slot", ""); }, Code::parameter_malformed},
      {"sum", [&](auto& r) { r.set("Mas-Sum", other_id); }, Code::corrupt},
      {"bad sum", [](auto& r) { r.set("Mas-Sum", "12"); }, Code::parameter_malformed},
      {"no sum", [](auto& r) { r.drop("Mas-Sum"); }, Code::parameter_malformed},
      {"two sums", [](auto& r) { r.twice("Mas-Sum"); }, Code::parameter_malformed},
      {"no length", [](auto& r) { r.drop("Content-Length").body.clear(); }, Code::wrong_length},
      {"empty", [](auto& r) { r.set("Content-Length", "0").body.clear(); }, Code::wrong_length},
      {"key", [](auto& r) { r.path = "record/abc"; }, Code::parameter_malformed},
      {"kind", [](auto& r) { r.path[7] = 'f'; }, Code::parameter_malformed},
      {"no key", [](auto& r) { r.path = "record/"; }, Code::parameter_malformed},
      {"method", [](auto& r) { r.method = "POST"; }, Code::method_not_allowed},
      {"route", [](auto& r) { r.path = "recordings"; }, Code::no_such_route},
      {"no version", [](auto& r) { r.drop("Mas-Peer-Version"); }, Code::system_token_invalid},
      {"two", [](auto& r) { r.twice("Mas-Peer-Version"); }, Code::system_token_invalid},
      {"deeper", [](auto& r) { r.path = "file/x"; }, Code::no_such_route},
  };
  for (const char* name : {"Mas-Cluster", "Mas-Target-Slot", "Mas-Slot", "Mas-Target-Incarnation",
                           "Mas-Incarnation", "Mas-Layout"}) {
    std::string field = name;
    cases.push_back({"no " + field, [field](auto& r) { r.drop(field); }, Code::parameter_missing});
    cases.push_back(
        {"two " + field, [field](auto& r) { r.twice(field); }, Code::parameter_malformed});
  }
  for (const Case& one : cases) {
    RequestText request(rig.pod);
    request.set("Mas-Layout", "7");
    one.spoil(request);
    INFO(one.what);
    RawAnswer answer = rig.ask(request);
    CHECK(peer_code(answer) == one.code);
    CHECK(answer.status >= 400);
    CHECK(answer.body.ends_with("."));
  }
  CHECK(rig.pod.store.calls(MemoryStore::Op::put) == 0);
  CHECK(rig.pod.metric("mas_peer_refusals_total") == static_cast<double>(cases.size()));
  RequestText good(rig.pod);
  CHECK(rig.code(good.set("Mas-Layout", "8")) == Code::ok);
}

TEST_CASE("A stale sender is told the newer version; reads do not mind") {
  Rig rig;
  rig.pod.start();
  CHECK(rig.code(RequestText(rig.pod)) == Code::ok);
  rig.pod.layout_version = 12;
  RawAnswer answer = rig.ask(RequestText(rig.pod));
  CHECK(answer.status == 409);
  CHECK(answer.body.find("version 12") != std::string::npos);
  RequestText read(rig.pod, "");
  CHECK(rig.code(read.to("GET", record(1) + "?offset=0&length=5")) == Code::ok);
}

TEST_CASE("Reads that make no sense are refused, records that are not there not found") {
  Rig rig;
  rig.pod.start();
  CHECK(rig.code(RequestText(rig.pod)) == Code::ok);
  for (const char* query :
       {"", "?offset=0", "?length=5", "?offset=0&length=x", "?offset=-1&length=5",
        "?offset=0&length=999999999999", "?offset=0&offset=0&length=5", "?offset=0&length=%zz",
        "?offset=99999999999999999999&length=1"}) {
    RequestText read(rig.pod, "");
    INFO(query);
    CHECK(rig.code(read.to("GET", record(1) + query)) == Code::parameter_malformed);
  }
  RequestText absent(rig.pod, "");
  RawAnswer answer = rig.ask(absent.to("GET", record(2) + "?offset=0&length=5"));
  CHECK(answer.status == 404);
  CHECK(peer_code(answer) == Code::not_found);
}

TEST_CASE("Many keys are asked for at once, but not any number, and no halves") {
  Rig rig;
  rig.pod.start();
  CHECK(rig.code(RequestText(rig.pod)) == Code::ok);
  auto keys = [](std::size_t count) {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) {
      RecordKey::Encoded one = stripe_key(i).encode();
      bytes += as_text(one);
    }
    return bytes;
  };
  RequestText most(rig.pod, keys(peer::wire::kMaxKeys));
  RawAnswer answer = rig.ask(most.to("POST", "have"));
  CHECK(answer.body == "01" + std::string(peer::wire::kMaxKeys - 2, '0'));
  RequestText more(rig.pod, keys(peer::wire::kMaxKeys + 1));
  CHECK(rig.code(more.to("POST", "have")) == Code::body_too_large);
  RequestText half(rig.pod, keys(2).substr(1));
  CHECK(rig.code(half.to("POST", "have")) == Code::parameter_malformed);
  std::string odd = keys(2);
  odd[0] = 'x';
  RequestText unknown(rig.pod, odd);
  CHECK(rig.code(unknown.to("POST", "have")) == Code::parameter_malformed);
  RequestText read(rig.pod, keys(1));
  CHECK(rig.code(read.to("GET", "have")) == Code::method_not_allowed);
}

TEST_CASE("Whoever the layout does not name may ping, and only that") {
  Rig rig;
  rig.pod.options.known = [](std::string_view, const Id128&) { return false; };
  rig.pod.layout_version = 3;
  rig.pod.cluster_id.bytes.fill(0x77);
  rig.pod.start();
  RequestText ping(rig.pod, "");
  ping.to("GET", "ping").drop("Mas-Target-Slot").drop("Mas-Target-Incarnation");
  RawAnswer answer = rig.ask(ping);
  CHECK(peer_code(answer) == Code::ok);
  CHECK(answer.field("Mas-Slot") == "mas-1");
  CHECK(answer.field("Mas-Incarnation") == rig.pod.store.incarnation().hex());
  CHECK(answer.field("Mas-Cluster-Id") == rig.pod.cluster_id.hex());
  CHECK(answer.field("Mas-Layout") == "3");
  CHECK(!answer.field("Mas-Software").empty());
  CHECK(!answer.field("Mas-Wall").empty());
  std::string quarantine = "quarantine/" + peer::wire::key_text(stripe_key(1));
  for (auto [method, path] : {std::pair<std::string, std::string>{"PUT", record(1)},
                              {"GET", record(1) + "?offset=0&length=1"},
                              {"POST", "have"},
                              {"POST", quarantine},
                              {"POST", "probe?target=127.0.0.1:1&timeout_ms=1"}}) {
    RequestText request(rig.pod);
    INFO(path);
    CHECK(rig.code(request.to(method, path)) == Code::refused);
  }
  CHECK(rig.code(ping.to("POST", "ping")) == Code::method_not_allowed);
}

TEST_CASE("A put is quarantined by hand, and a malformed key is not") {
  Rig rig;
  rig.pod.start();
  CHECK(rig.code(RequestText(rig.pod)) == Code::ok);
  RequestText request(rig.pod, "");
  std::string path = "quarantine/" + peer::wire::key_text(stripe_key(1));
  CHECK(rig.code(request.to("POST", path + "00")) == Code::parameter_malformed);
  CHECK(rig.code(request.to("GET", path)) == Code::method_not_allowed);
  CHECK(rig.pod.store.keys().size() == 1);
  CHECK(rig.code(request.to("POST", path)) == Code::ok);
  CHECK(rig.pod.store.keys().empty());
}
