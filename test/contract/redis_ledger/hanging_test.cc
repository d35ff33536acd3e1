// A server that hangs, on a clock that the test moves: what waits and what does not is exact.
#include "ledger_rig.h"
#include "patience.h"
#include "redis_process.h"
#include "support/fake_clock.h"

using namespace mas;
using namespace mas::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using Ping = std::future<Result<void>>;

struct Hanging {
  Hanging() {
    process.start();
    options.url = process.url();
    options.timeout = seconds(1);
    options.pool = 2;
    options.io_threads = 1;
    options.clock = &clock;
  }
  FakeClock clock;
  RedisProcess process;
  LedgerOptions options;
};

bool ended(Ping& ping) { return ping.wait_for(seconds(0)) == std::future_status::ready; }

Code result_of(Ping& ping) { return code_of(ping.get()); }

}  // namespace

TEST_CASE("a call waits for a silent server as long as the time-out, later ones not at all") {
  Hanging hanging;
  LedgerRig rig(hanging.options);
  CHECK(rig.ping() == Code::ok);
  hanging.process.freeze();
  Ping first = rig.start_ping();
  rig.settle();
  hanging.clock.advance(milliseconds(999));
  rig.settle();
  CHECK_FALSE(ended(first));
  hanging.clock.advance(milliseconds(1));
  auto result = first.get();
  REQUIRE(code_of(result) == Code::ledger_unavailable);
  CHECK(result.error().maybe_happened());
  // Time stands still: these would wait for ever.
  for (int i = 0; i < 100; ++i) CHECK(rig.ping() == Code::ledger_unavailable);
  hanging.process.thaw();
}

TEST_CASE("those that wait for a connection fail together with those that have one") {
  Hanging hanging;
  LedgerRig rig(hanging.options);
  CHECK(rig.ping() == Code::ok);
  hanging.process.freeze();
  std::vector<Ping> pings;
  for (int i = 0; i < 2; ++i) pings.push_back(rig.start_ping());
  rig.settle();
  hanging.clock.advance(milliseconds(600));
  // Their own time-outs are still to come when the two in front learn that the server is down.
  for (int i = 0; i < 20; ++i) pings.push_back(rig.start_ping());
  rig.settle();
  hanging.clock.advance(milliseconds(400));
  for (Ping& ping : pings) CHECK(result_of(ping) == Code::ledger_unavailable);
  hanging.process.thaw();
}

TEST_CASE("only so many calls wait; one more fails at once") {
  Hanging hanging;
  LedgerRig rig(hanging.options);
  CHECK(rig.ping() == Code::ok);
  hanging.process.freeze();
  constexpr std::size_t kRoom = 2 + 2048;
  std::vector<Ping> pings;
  for (std::size_t i = 0; i < kRoom; ++i) pings.push_back(rig.start_ping());
  rig.settle();
  for (Ping& ping : pings) REQUIRE_FALSE(ended(ping));
  Ping over = rig.start_ping();
  CHECK(result_of(over) == Code::ledger_unavailable);
  hanging.clock.advance(seconds(1));
  for (Ping& ping : pings) CHECK(result_of(ping) == Code::ledger_unavailable);
  hanging.process.thaw();
}

TEST_CASE("a call that had to wait for long is no witness against the server") {
  Hanging hanging;
  hanging.options.pool = 1;
  LedgerRig rig(hanging.options);
  CHECK(rig.ping() == Code::ok);
  // Scripts hang from here on, the rest answers.
  CHECK(hanging.process.ask({"CLIENT", "PAUSE", "600000", "WRITE"}) == "OK");
  Ping first = rig.start_ping();
  Ping second = rig.start_ping();
  rig.settle();
  hanging.clock.advance(milliseconds(900));
  // The first loses its connection, which leaves the second a tenth of its time on another.
  hanging.process.ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  CHECK(result_of(first) == Code::ledger_unavailable);
  auto asked = [&] {
    return hanging.process.ask({"CLIENT", "LIST"}).find("cmd=evalsha") != std::string::npos;
  };
  REQUIRE(wait_until(asked));
  hanging.clock.advance(milliseconds(100));
  CHECK(result_of(second) == Code::ledger_unavailable);
  // It is not thought to be down: the next one waits for an answer, and gets it.
  Ping third = rig.start_ping();
  rig.settle();
  CHECK_FALSE(ended(third));
  CHECK(hanging.process.ask({"CLIENT", "UNPAUSE"}) == "OK");
  CHECK(result_of(third) == Code::ok);
}

TEST_CASE("an answer at the last moment counts, and leaves the next call all of its time") {
  Hanging hanging;
  hanging.options.pool = 1;
  LedgerRig rig(hanging.options);
  CHECK(rig.ping() == Code::ok);
  hanging.process.freeze();
  Ping first = rig.start_ping();
  rig.settle();
  hanging.clock.advance(milliseconds(900));
  Ping second = rig.start_ping();
  rig.settle();
  hanging.process.thaw();
  CHECK(result_of(first) == Code::ok);
  CHECK(result_of(second) == Code::ok);
  CHECK(rig.ping() == Code::ok);
}

TEST_CASE("closing ends at once what waits, and waits for what is under way") {
  Hanging hanging;
  hanging.options.pool = 1;
  LedgerRig rig(hanging.options);
  CHECK(rig.ping() == Code::ok);
  hanging.process.freeze();
  Ping running = rig.start_ping();
  Ping waiting = rig.start_ping();
  rig.settle();
  auto closing = std::async(std::launch::async, [&] { run_blocking(rig.ledger().close()); });
  CHECK(result_of(waiting) == Code::ledger_unavailable);
  CHECK_FALSE(ended(running));
  CHECK(closing.wait_for(seconds(0)) == std::future_status::timeout);
  hanging.clock.advance(seconds(1));
  CHECK(result_of(running) == Code::ledger_unavailable);
  closing.get();
  CHECK(rig.ping() == Code::ledger_unavailable);
  hanging.process.thaw();
}
