// Bodies that are too large, too short, too slow or too many.
#include <catch2/catch.hpp>

#include "request_text.h"
#include "support/fake_clock.h"
#include "transport_rig.h"

using namespace mas;
using namespace mas::test;
using Op = MemoryStore::Op;

namespace {

// Once it is answered, the heads of what came before have been read.
void answer_a_ping(PeerPod& pod) {
  RequestText ping(pod, "");
  RawClient other(pod.address());
  CHECK(peer_code(other.ask(ping.to("GET", "ping").text())) == Code::ok);
}

}  // namespace

TEST_CASE("A record over the limit is refused before its bytes come") {
  IoThreads io(1);
  io.start();
  auto clock = make_system_clock();
  PeerPod pod(io, *clock, 1);
  pod.config.peer.accept_v1 = true;
  pod.options.max_record = 1000;
  pod.options.put_memory = 1000;
  pod.start();
  RequestText most(pod, std::string(1000, 'x'));
  RawClient first(pod.address());
  CHECK(peer_code(first.ask(most.text())) == Code::ok);
  RequestText more(pod, std::string(1001, 'x'));
  RawClient second(pod.address());
  CHECK(peer_code(second.ask(more.head())) == Code::body_too_large);
  RequestText absurd(pod);
  absurd.set("Content-Length", "18446744073709551615");
  RawClient third(pod.address());
  CHECK(peer_code(third.ask(absurd.head())) == Code::body_too_large);
  RequestText chunked(pod);
  chunked.drop("Content-Length").fields.emplace_back("Transfer-Encoding", "chunked");
  RawClient fourth(pod.address());
  CHECK(peer_code(fourth.ask(chunked.head() + "1\r\nx\r\n0\r\n\r\n")) == Code::wrong_length);
  CHECK(pod.store.calls(Op::put) == 1);
}

TEST_CASE("Heads that are no heads are refused as on the front") {
  IoThreads io(1);
  io.start();
  auto clock = make_system_clock();
  PeerPod pod(io, *clock, 1);
  pod.config.peer.accept_v1 = true;
  pod.start();
  RequestText good(pod);
  std::vector<std::string> bad{
      "GET /peer/v1/ping HTTP/1.1\r\n\r\n",
      good.method + " /peer/v1/" + good.path +
          " HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n",
      "\x17\x03\x01 hello\r\n\r\n",
  };
  RequestText two_lengths(pod);
  bad.push_back(two_lengths.twice("Content-Length").text());
  RequestText both(pod);
  both.fields.emplace_back("Transfer-Encoding", "chunked");
  bad.push_back(both.text());
  RequestText many(pod);
  for (int i = 0; i < 100; ++i) many.fields.emplace_back("X-" + std::to_string(i), "x");
  bad.push_back(many.text());
  for (const std::string& text : bad) {
    RawClient client(pod.address());
    RawAnswer answer = client.ask(text);
    CHECK(answer.status >= 400);
    CHECK(answer.status < 500);
    CHECK(peer_code(answer) != Code::closed);
  }
  CHECK(pod.store.calls(Op::put) == 0);
}

TEST_CASE("A body that ends early never reaches the store") {
  IoThreads io(1);
  io.start();
  auto clock = make_system_clock();
  PeerPod pod(io, *clock, 1);
  pod.config.peer.accept_v1 = true;
  pod.start();
  RequestText request(pod, std::string(100'000, 'x'));
  RawClient client(pod.address());
  client.send(request.head() + std::string(99'999, 'x'));
  client.end_sending();
  RawAnswer answer = client.read_answer();
  CHECK(peer_code(answer) == Code::body_unreadable);
  CHECK(pod.store.calls(Op::put) == 0);
}

TEST_CASE("A sender that is too slow is let go, and its memory with it") {
  IoThreads io(1);
  io.start();
  FakeClock clock;
  PeerPod pod(io, clock, 1);
  pod.config.peer.accept_v1 = true;
  pod.options.max_record = 1000;
  pod.options.put_memory = 1000;
  pod.start();
  RequestText request(pod, std::string(1000, 'x'));
  RawClient slow(pod.address());
  slow.send(request.head() + std::string(500, 'x'));
  // Its head has been read when this later one is answered.
  answer_a_ping(pod);
  RawClient next(pod.address());
  next.send(request.text());
  CHECK_FALSE(next.readable(50));
  while (!slow.readable(5)) clock.advance(std::chrono::seconds(1));
  CHECK(peer_code(slow.read_answer()) == Code::sender_too_slow);
  CHECK(clock.now().since_start >= config::Peer().io_timeout);
  CHECK(clock.now().since_start < 3 * config::Peer().io_timeout);
  CHECK(peer_code(next.read_answer()) == Code::ok);
}

TEST_CASE("Puts hold no more memory than there is; the rest wait their turn") {
  IoThreads io(1);
  io.start();
  auto clock = make_system_clock();
  PeerPod pod(io, *clock, 1);
  pod.config.peer.accept_v1 = true;
  pod.options.max_record = 1000;
  pod.options.put_memory = 2000;
  pod.start();
  pod.store.hang(Op::put);
  RequestText request(pod, std::string(1000, 'x'));
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<RawClient>(pod.address()));
    clients.back()->send(request.text());
  }
  wait_until([&] { return pod.store.calls(Op::put) >= 2; });
  // All six have been read up to their heads once this later one is answered.
  answer_a_ping(pod);
  CHECK(pod.store.calls(Op::put) == 2);
  pod.store.release();
  for (auto& client : clients) CHECK(peer_code(client->read_answer()) == Code::ok);
  CHECK(pod.store.calls(Op::put) == 6);
}

TEST_CASE("A record larger than the memory for records is received alone") {
  IoThreads io(1);
  io.start();
  auto clock = make_system_clock();
  PeerPod pod(io, *clock, 1);
  pod.config.peer.accept_v1 = true;
  pod.options.put_memory = 1000;
  pod.start();
  pod.store.hang(Op::put);
  RawClient large(pod.address());
  large.send(RequestText(pod, std::string(5000, 'x')).text());
  wait_until([&] { return pod.store.calls(Op::put) >= 1; });
  RawClient small(pod.address());
  small.send(RequestText(pod, "x").text());
  answer_a_ping(pod);
  CHECK(pod.store.calls(Op::put) == 1);
  pod.store.release();
  CHECK(peer_code(large.read_answer()) == Code::ok);
  CHECK(peer_code(small.read_answer()) == Code::ok);
}

TEST_CASE("Reads hold no more memory than there is either") {
  IoThreads io(1);
  io.start();
  auto clock = make_system_clock();
  PeerPod pod(io, *clock, 1);
  pod.config.peer.accept_v1 = true;
  pod.options.max_record = 1000;
  pod.options.read_memory = 1000;
  pod.start();
  RawClient writer(pod.address());
  CHECK(peer_code(writer.ask(RequestText(pod, std::string(1000, 'x')).text())) == Code::ok);
  pod.store.hang(Op::read);
  RequestText read(pod, "");
  read.to("GET", read.path + "?offset=0&length=1000");
  RawClient first(pod.address());
  first.send(read.text());
  wait_until([&] { return pod.store.calls(Op::read) >= 1; });
  RawClient second(pod.address());
  second.send(read.text());
  answer_a_ping(pod);
  CHECK(pod.store.calls(Op::read) == 1);
  pod.store.release();
  CHECK(first.read_answer().body.size() == 1000);
  CHECK(second.read_answer().body.size() == 1000);
}
