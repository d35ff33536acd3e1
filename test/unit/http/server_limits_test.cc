// Connections, ports, stopping.
#include <thread>
#include <vector>

#include "server_rig.h"
#include "support/certificates.h"

using namespace mas;
using namespace mas::test;

namespace {

// Asks for something that takes until the test says so, and is admitted.
void begin_work(ServerRig& rig, RawClient& client) {
  rig.handler.waiting.reset();
  client.send(get("/wait"));
  run_blocking(rig.handler.waiting.wait());
}

}  // namespace

TEST_CASE("Where all connections are at work, one more is told to come again") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.options.max_connections = 2;
  rig.start();
  RawClient one(rig.address());
  RawClient two(rig.address());
  begin_work(rig, one);
  begin_work(rig, two);
  {
    RawClient three(rig.address());
    RawAnswer answer = three.ask(get("/hello"));
    CHECK(answer.status == 503);
    CHECK(answer.body.find("\"code\":5901") != std::string::npos);
    CHECK(answer.field("Retry-After") == "1");
    CHECK(answer.field("Connection") == "close");
    CHECK(three.at_end());
  }
  CHECK(rig.metric("mas_http_connections_refused_total") == 1);
  CHECK(rig.metric("mas_http_connections_made_room_total") == 0);
  rig.handler.go_on.set();
  CHECK(one.read_answer().body == "waited");
  CHECK(two.read_answer().body == "waited");
  // Now they wait, and make room.
  RawClient three(rig.address());
  CHECK(three.ask(get("/hello")).status == 200);
}

TEST_CASE("Where all connections are taken, the one that waits longest makes room") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.options.max_connections = 3;
  rig.start();
  RawClient one(rig.address());
  RawClient two(rig.address());
  RawClient three(rig.address());
  for (RawClient* each : {&one, &two, &three}) CHECK(each->ask(get("/hello")).status == 200);
  CHECK(one.ask(get("/hello")).status == 200);
  RawClient four(rig.address());
  CHECK(four.ask(get("/hello")).status == 200);
  CHECK(two.at_end());
  CHECK(rig.metric("mas_http_connections_made_room_total") == 1);
  for (RawClient* each : {&one, &three, &four}) CHECK(each->ask(get("/hello")).status == 200);
  CHECK(rig.metric("mas_http_connections_refused_total") == 0);
}

TEST_CASE("Connections that say nothing, or half of something, keep nobody out") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.options.max_connections = 4;
  rig.start();
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 12; ++i) {
    silent.push_back(std::make_unique<RawClient>(rig.address()));
    if (i % 2 == 0) silent.back()->send("GET /hello HT");
    if (i % 3 == 0)
      silent.back()->send("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
  }
  for (int i = 0; i < 6; ++i) {
    RawClient client(rig.address());
    CHECK(client.ask(get("/hello")).status == 200);
  }
  CHECK(rig.metric("mas_http_connections_refused_total") == 0);
}

TEST_CASE("Room is made first by the address that has the most connections") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.options.max_connections = 4;
  rig.start();
  RawClient longest(rig.address(), 2);
  CHECK(longest.ask(get("/hello")).status == 200);
  std::vector<std::unique_ptr<RawClient>> many;
  for (int i = 0; i < 8; ++i) {
    many.push_back(std::make_unique<RawClient>(rig.address(), 3));
    CHECK(many.back()->ask(get("/hello")).status == 200);
  }
  CHECK(longest.ask(get("/hello")).status == 200);
  RawClient other(rig.address(), 4);
  CHECK(other.ask(get("/hello")).status == 200);
  CHECK(longest.ask(get("/hello")).status == 200);
}

TEST_CASE("Room is found on other threads, too") {
  auto clock = make_system_clock();
  ServerRig rig(*clock, 3);
  rig.options.max_connections = 1;
  rig.start();
  std::unique_ptr<RawClient> before;
  for (int i = 0; i < 30; ++i) {
    auto client = std::make_unique<RawClient>(rig.address());
    CHECK(client->ask(get("/hello")).status == 200);
    if (before) CHECK(before->at_end());
    before = std::move(client);
  }
  CHECK(rig.metric("mas_http_connections_made_room_total") == 29);
  before.reset();
  rig.stop();
  CHECK(rig.metric("mas_http_connections") == 0);
}

TEST_CASE("A port in use is found out, though sockets of one server share theirs") {
  auto clock = make_system_clock();
  ServerRig first(*clock, 2);
  first.start();
  ServerRig second(*clock);
  second.options.listen = first.address();
  IoThreads io(1);
  auto rng = make_seeded_rng(1);
  auto other =
      http::make_server(second.options, {}, second.handler, {io, *clock, *rng, second.metrics});
  Result<void> started = other->start();
  REQUIRE(started.has_error());
  CHECK(started.error().code() == Code::invalid_argument);
  CHECK(started.error().message().find("in use") != std::string::npos);
}

TEST_CASE("Addresses that cannot be listened on are refused with the reason") {
  auto clock = make_system_clock();
  IoThreads io(1);
  auto rng = make_seeded_rng(1);
  observe::Metrics metrics;
  RigHandler handler;
  for (std::string listen : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536",
                             "127.0.0.1:-1", "192.0.2.1:7080", "[::1:80"}) {
    INFO(listen);
    config::Http options;
    options.listen = listen;
    auto server = http::make_server(options, {}, handler, {io, *clock, *rng, metrics});
    Result<void> started = server->start();
    REQUIRE(started.has_error());
    CHECK(started.error().code() == Code::invalid_argument);
    CHECK(started.error().message().find("'") != std::string::npos);
  }
}

TEST_CASE("Stopping lets a running request end, closes idle connections and takes no new ones") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.start();
  std::string address = rig.address();
  RawClient idle(address);
  CHECK(idle.ask(get("/hello")).status == 200);
  RawClient busy(address);
  busy.send(get("/wait"));
  run_blocking(rig.handler.waiting.wait());
  std::thread stopping([&rig] { rig.stop(std::chrono::hours(1)); });
  CHECK(idle.at_end());
  RawClient late(address);
  CHECK((!late.connected() || late.ask(get("/hello")).status == 0));
  rig.handler.go_on.set();
  RawAnswer answer = busy.read_answer();
  CHECK(answer.body == "waited");
  CHECK(answer.field("Connection") == "close");
  CHECK(busy.at_end());
  stopping.join();
}

TEST_CASE("Stopping waits neither for the rest of a head nor for that of a handshake") {
  Certificates certificates;
  certificates.make("server", "localhost");
  auto clock = make_system_clock();
  for (const bool over_tls : {false, true}) {
    ServerRig rig(*clock);
    rig.options.header_timeout = std::chrono::hours(1);
    if (over_tls) rig.tls = {certificates.pem("server"), certificates.key("server")};
    rig.start();
    RawClient half(rig.address());
    half.send(over_tls ? "\x16" : "GET /hello HT");
    RawClient silent(rig.address());
    while (rig.metric("mas_http_connections") < 2) std::this_thread::yield();
    rig.stop(std::chrono::hours(1));
    CHECK(half.at_end());
    CHECK(silent.at_end());
  }
}

TEST_CASE("Stopping does not wait for clients beyond its time-out") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.start();
  RawClient half(rig.address());
  CHECK(half.ask(get("/hello")).status == 200);
  half.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  RawClient slow(rig.address());
  slow.send(get("/stream"));
  REQUIRE(slow.readable(10'000));
  rig.stop();
  CHECK_FALSE(slow.read_answer().whole);
}

TEST_CASE("Many connections over two threads are all served") {
  auto clock = make_system_clock();
  ServerRig rig(*clock, 2);
  rig.start();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<RawClient>(rig.address()));
  for (int round = 0; round < 3; ++round) {
    for (auto& client : clients) client->send(post("/echo", "ping"));
    for (auto& client : clients) CHECK(client->read_answer().body == "ping");
  }
  CHECK(rig.metric("mas_http_connections") == 200);
  clients.clear();
  rig.stop();
  CHECK(rig.metric("mas_http_connections") == 0);
}
