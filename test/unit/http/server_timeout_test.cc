// What slow clients run into, on a clock that the test moves.
#include <thread>

#include "server_rig.h"
#include "support/fake_clock.h"

using namespace mas;
using namespace mas::test;
using std::chrono::seconds;

namespace {

// Moves the clock on, a second at a time, until the server says or ends something; returns how far.
Duration advance_until_readable(ServerRig& rig, FakeClock& clock, RawClient& client) {
  for (Duration moved{}; moved < std::chrono::hours(1); moved += seconds(1)) {
    // The server has one thread: once it has answered others, it waits itself.
    for (int turn = 0; turn < 3; ++turn) {
      RawClient other(rig.address());
      CHECK(other.ask(get("/hello")).status == 200);
    }
    if (client.readable(0)) return moved;
    clock.advance(seconds(1));
  }
  return std::chrono::hours(1);
}

}  // namespace

TEST_CASE("A head that comes too slowly is answered 408 at its time-out") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address());
  client.send("GET /hello HTTP/1.1\r\nHo");
  Duration took = advance_until_readable(rig, clock, client);
  CHECK(took >= rig.options.header_timeout);
  CHECK(took <= rig.options.header_timeout + seconds(2));
  RawAnswer answer = client.read_answer();
  CHECK(answer.status == 408);
  CHECK(answer.body.find("\"code\":5912") != std::string::npos);
  CHECK(answer.field("Connection") == "close");
}

TEST_CASE("A connection that never says anything is closed when its first head is due") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address());
  Duration took = advance_until_readable(rig, clock, client);
  CHECK(took >= rig.options.header_timeout);
  CHECK(took <= rig.options.header_timeout + seconds(2));
  CHECK(client.at_end());
}

TEST_CASE("An idle connection is closed without a word at its time-out") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address());
  CHECK(client.ask(get("/hello")).status == 200);
  Duration took = advance_until_readable(rig, clock, client);
  CHECK(took >= rig.options.idle_timeout);
  CHECK(took <= rig.options.idle_timeout + seconds(2));
  CHECK(client.at_end());
}

TEST_CASE("A body that stops is given up after the grace time") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address());
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
  Duration took = advance_until_readable(rig, clock, client);
  CHECK(took >= rig.options.body_grace);
  CHECK(took <= rig.options.body_grace + seconds(2));
  CHECK(client.read_answer().status == 408);
  CHECK(rig.handler.body_error == Code::sender_too_slow);
}

TEST_CASE("A body that stops is not waited for longer because much came before") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address());
  // At 1 KiB a second this would earn a thousand seconds.
  const std::string begin(1024 * 1024, 'x');
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n" + begin);
  while (rig.handler.echo_read < begin.size()) std::this_thread::yield();
  const Duration took = advance_until_readable(rig, clock, client);
  CHECK(took >= rig.options.body_grace);
  CHECK(took <= 2 * rig.options.body_grace + seconds(2));
  CHECK(client.read_answer().status == 408);
}

TEST_CASE("A body may take long if it came fast enough on average") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address());
  // 100 KiB at 1 KiB a second earn twice the grace.
  std::string begin(100 * 1024, 'x');
  client.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + begin);
  for (int i = 0; i < 55; ++i) {
    REQUIRE_FALSE(client.readable(5));
    clock.advance(seconds(1));
  }
  CHECK_FALSE(client.readable(20));
  client.send(std::string(200000 - begin.size(), 'y'));
  CHECK(client.read_answer().body == "200000");
}

TEST_CASE("A receiver that takes nothing is given up after the write time-out") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.options.min_body_rate = 1 << 30;  // what it took earns it nothing
  rig.start();
  RawClient client(rig.address());
  client.send(get("/stream"));
  REQUIRE(client.readable(10'000));
  for (int i = 0; i < 200 && rig.handler.write_error == Code::ok; ++i) {
    clock.advance(seconds(1));
    RawClient other(rig.address());
    CHECK(other.ask(get("/hello")).status == 200);
  }
  CHECK(rig.handler.write_error == Code::timeout);
  CHECK_FALSE(client.read_answer().whole);
}

TEST_CASE("Lingering after an early answer ends at its time-out") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address());
  RawAnswer answer =
      client.ask("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome");
  CHECK(answer.status == 401);
  CHECK(client.at_end());
  REQUIRE(rig.metric("mas_http_connections") == 1);
  Duration took{};
  while (rig.metric("mas_http_connections") > 0 && took < std::chrono::minutes(5)) {
    clock.advance(seconds(1));
    took += seconds(1);
    // A look that lets the server run.
    (void)client.send("x");
    RawClient other(rig.address());
    CHECK_FALSE(other.readable(5));
  }
}

TEST_CASE("A stop is cut off at its time-out") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
  CHECK(client.read_answer(true).status == 100);
  rig.stop(Duration(0));
  std::string rest;
  client.read_to_end(rest);
  CHECK(rest.empty());
}
