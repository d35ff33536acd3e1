// An answer is on its way until the client's system has acknowledged it, not until the kernel took
// it.
#include "mas/net/send_queue.h"
#include "server_rig.h"
#include "support/fake_clock.h"

using namespace mas;
using namespace mas::test;
using std::chrono::seconds;

namespace {

constexpr int kSmallBuffer = 16 * 1024;
constexpr std::size_t kHead = 64;  // bytes of a head, and more

// Lets the server, which has one thread, do what the time asks for.
void advance(ServerRig& rig, FakeClock& clock, Duration step) {
  clock.advance(step);
  for (int turn = 0; turn < 3; ++turn) {
    RawClient other(rig.address());
    CHECK(other.ask(get("/hello")).status == 200);
  }
}

// Until what was kept is let go. The last acknowledgement may come 40 ms late, of real time: so
// this clock goes slowly, and no further than a client may stand still.
void wait_for_release(ServerRig& rig, FakeClock& clock) {
  for (int i = 0; i < 5000 && !rig.handler.kept.expired(); ++i) {
    advance(rig, clock, i % 100 == 0 ? seconds(1) : seconds(0));
  }
  CHECK(rig.handler.kept.expired());
}

// Asks for /kept with a client that does not read.
void ask_and_wait(ServerRig& rig, RawClient& client, const std::string& fields = "") {
  client.send("GET /kept HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
  run_blocking(rig.handler.waiting.wait());
}

}  // namespace

TEST_CASE("A reader that takes little at a time is not cut off, however slow the socket") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address(), 1, 64 * 1024);
  client.send(get("/stream"));
  REQUIRE(client.readable(10'000));
  // Far less than what makes the socket writable again comes through in each write_timeout.
  for (Duration passed{}; passed < 10 * rig.options.write_timeout; passed += seconds(10)) {
    REQUIRE(client.skip(48 * 1024));
    advance(rig, clock, seconds(10));
    REQUIRE(rig.handler.write_error == Code::ok);
  }
}

TEST_CASE("A reader that took much at once may then take nothing for longer, and not for ever") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.options.min_body_rate = 1;  // what fits into the buffer earns all that can be earned
  rig.start();
  RawClient client(rig.address());
  client.send(get("/stream"));
  REQUIRE(client.readable(10'000));
  const Duration longest = 10 * rig.options.write_timeout;
  for (Duration passed{}; passed < longest / 2; passed += seconds(5)) {
    advance(rig, clock, seconds(5));
    REQUIRE(rig.handler.write_error == Code::ok);
  }
  // On a slow machine it is this late only that the socket is full.
  for (Duration passed{}; passed < 3 * longest && rig.handler.write_error == Code::ok;
       passed += seconds(5)) {
    advance(rig, clock, seconds(5));
  }
  CHECK(rig.handler.write_error == Code::timeout);
}

TEST_CASE("Bytes that were acknowledged earn time while the other side's system answers") {
  const Instant begun{};
  net::SendProgress progress({1000, seconds(300)});
  progress.begin(begun, seconds(60));
  net::SendQueue queue{100'000, 5000, true, true};
  CHECK_FALSE(progress.stands_still(queue, begun));
  CHECK(progress.deadline() == begun + seconds(100));
  CHECK_FALSE(progress.stands_still(queue, begun + seconds(99)));
  SECTION("and no longer") { CHECK(progress.stands_still(queue, begun + seconds(100))); }
  SECTION("and not where it does not") {
    queue.answered = false;
    CHECK(progress.stands_still(queue, begun + seconds(99)));
  }
  SECTION("for the waits that follow, too") {
    progress.begin(begun + seconds(10), seconds(20));
    CHECK_FALSE(progress.stands_still(queue, begun + seconds(99)));
    CHECK(progress.stands_still(queue, begun + seconds(100)));
  }
  SECTION("up to what is given at most") {
    queue.acknowledged = 10'000'000;
    CHECK_FALSE(progress.stands_still(queue, begun + seconds(99)));
    CHECK(progress.deadline() == begun + seconds(99 + 300));
  }
}

TEST_CASE("What is kept for an answer is kept until the client has it") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address(), 1, kSmallBuffer);
  ask_and_wait(rig, client);
  std::size_t taken = 0;
  for (Duration passed{}; passed < 3 * rig.options.idle_timeout; passed += seconds(5)) {
    REQUIRE(client.skip(4 * 1024));
    taken += 4 * 1024;
    advance(rig, clock, seconds(5));
    REQUIRE_FALSE(rig.handler.kept.expired());
  }
  REQUIRE(client.skip(RigHandler::kKeptSize - taken));
  wait_for_release(rig, clock);
  // And the connection goes on, idle since then.
  REQUIRE(client.skip(kHead));
  client.send(get("/hello"));
  CHECK(client.readable(10'000));
}

TEST_CASE("What is kept is let go when the client takes nothing any more") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address(), 1, kSmallBuffer);
  ask_and_wait(rig, client);
  Duration took{};
  for (; took < std::chrono::hours(1) && !rig.handler.kept.expired(); took += seconds(1)) {
    advance(rig, clock, seconds(1));
  }
  CHECK(took >= rig.options.write_timeout);
  // Not how much later: the system acknowledges in real time what the test ages by this clock.
  CHECK(rig.handler.kept.expired());
}

TEST_CASE("What is kept is let go when the client goes, and when it asks for more") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  {
    RawClient client(rig.address(), 1, kSmallBuffer);
    ask_and_wait(rig, client);
  }
  wait_for_release(rig, clock);
  rig.handler.waiting.reset();
  RawClient client(rig.address(), 1, kSmallBuffer);
  ask_and_wait(rig, client);
  client.send(get("/hello"));
  wait_for_release(rig, clock);
}

TEST_CASE("A connection that ends with an answer ends when the client has it") {
  FakeClock clock;
  ServerRig rig(clock);
  rig.start();
  RawClient client(rig.address(), 1, kSmallBuffer);
  ask_and_wait(rig, client, "Connection: close\r\n");
  for (int i = 0; i < 5; ++i) advance(rig, clock, seconds(1));
  CHECK_FALSE(rig.handler.kept.expired());
  RawAnswer answer = client.read_answer();
  CHECK(answer.whole);
  wait_for_release(rig, clock);
  CHECK(client.at_end());
}
