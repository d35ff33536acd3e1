// Connections, ports, stopping.
#include <thread>
#include <vector>

#include "server_rig.h"

using namespace mas;
using namespace mas::test;

TEST_CASE("A connection over the limit is told to come again") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.options.max_connections = 2;
  rig.start();
  RawClient one(rig.address());
  RawClient two(rig.address());
  CHECK(one.ask(get("/hello")).status == 200);
  CHECK(two.ask(get("/hello")).status == 200);
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
  CHECK(one.ask(get("/hello")).status == 200);
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
