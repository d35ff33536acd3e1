// The server goes and comes back. Times are the system's here; how long calls take is never asked.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "ledger_rig.h"
#include "patience.h"
#include "redis_process.h"
#include "support/fake_clock.h"
#include "support/logged_lines.h"

using namespace mas;
using namespace mas::test;
using std::chrono::seconds;

namespace {

LedgerOptions soon(const RedisProcess& process) {
  LedgerOptions options;
  options.url = process.url();
  options.timeout = seconds(1);
  return options;
}

bool recovers(LedgerRig& rig) {
  return wait_until([&] { return rig.ping() == Code::ok; });
}

}  // namespace

TEST_CASE("a ledger is made while there is no server, and finds it when it comes") {
  RedisProcess process;
  LedgerRig rig(soon(process));
  for (int i = 0; i < 3; ++i) CHECK(rig.ping() == Code::ledger_unavailable);
  process.start();
  CHECK(recovers(rig));
}

TEST_CASE("a server that was killed is unavailable until it is there again, then good at once") {
  RedisProcess process;
  process.start();
  LedgerOptions options = soon(process);
  LedgerRig rig(options);
  for (int round = 0; round < 2; ++round) {
    REQUIRE(recovers(rig));
    process.kill();
    for (int i = 0; i < 20; ++i) CHECK(rig.ping() == Code::ledger_unavailable);
    process.start();
  }
  CHECK(recovers(rig));
}

TEST_CASE("a server that lost everything knows each token until 120 seconds after its making") {
  RedisProcess process;
  process.start();
  FakeClock time;
  LedgerOptions options = soon(process);
  options.timeout = seconds(20);
  options.ledger_clock = &time;
  LedgerRig rig(options);
  Id128 used = rig.new_token(), fresh = rig.new_token();
  WallTime issued = rig.now();
  for (int i = 0; i < 5; ++i) must(rig.use(used, issued));
  time.advance(seconds(60));
  WallTime later = rig.now();
  process.kill();
  process.start();
  REQUIRE(recovers(rig));
  // Keys and script are gone.
  CHECK(process.ask({"DBSIZE"}) == "0");
  time.advance(seconds(60));
  CHECK(must(rig.use(used, issued)).end == issued + seconds(130));
  process.kill();
  process.start();
  REQUIRE(recovers(rig));
  time.advance(std::chrono::microseconds(1));
  CHECK(code_of(rig.use(used, issued)) == Code::token_invalid);
  CHECK(must(rig.use(fresh, later)).end == later + seconds(130));
}

TEST_CASE("a frozen server is unavailable, and good again when it thaws") {
  RedisProcess process;
  process.start();
  LedgerRig rig(soon(process));
  for (int round = 0; round < 2; ++round) {
    REQUIRE(recovers(rig));
    process.freeze();
    for (int i = 0; i < 20; ++i) CHECK(rig.ping() == Code::ledger_unavailable);
    process.thaw();
  }
  CHECK(recovers(rig));
}

TEST_CASE("a server that freezes before the first connection is unavailable too") {
  RedisProcess process;
  process.start();
  process.freeze();
  LedgerRig rig(soon(process));
  for (int i = 0; i < 5; ++i) CHECK(rig.ping() == Code::ledger_unavailable);
  process.thaw();
  CHECK(recovers(rig));
}

TEST_CASE("an outage under load is one line when it begins and one when it ends") {
  RedisProcess process;
  process.start();
  LoggedLines lines;
  int down = 0, back = 0;
  {
    LedgerRig rig(soon(process));
    REQUIRE(rig.ping() == Code::ok);
    std::atomic<bool> stop{false};
    std::atomic<int> good{0}, bad{0}, wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        while (!stop) {
          Code code = rig.ping();
          ++(code == Code::ok ? good : code == Code::ledger_unavailable ? bad : wrong);
        }
      });
    }
    auto more = [](std::atomic<int>& count) {
      int target = count + 100;
      return wait_until([&count, target] { return count >= target; });
    };
    CHECK(more(good));
    process.kill();
    CHECK(more(bad));
    process.start();
    CHECK(wait_until([&] { return lines.count("redis.back") == 1; }));
    CHECK(more(good));
    stop = true;
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    down = lines.count("redis.down");
    back = lines.count("redis.back");
  }
  CHECK(down == 1);
  CHECK(back == 1);
  CHECK(lines.count(RedisProcess::kPassword) == 0);
}

TEST_CASE("counts are exact across an outage: what was not answered is at most one use each") {
  RedisProcess process;
  process.start();
  FakeClock time;  // so that no token ends while the server is away
  LedgerOptions options = soon(process);
  options.ledger_clock = &time;
  LedgerRig rig(options);
  Id128 token = rig.new_token();
  WallTime issued = rig.now();
  int sure = 0, unsure = 0;
  auto use = [&] {
    auto used = rig.use(token, issued);
    if (used.has_value()) {
      ++sure;
    } else {
      CHECK(used.error().code() == Code::ledger_unavailable);
      if (used.error().maybe_happened()) ++unsure;
    }
  };
  for (int i = 0; i < 10; ++i) use();
  process.freeze();
  for (int i = 0; i < 10; ++i) use();
  process.thaw();
  REQUIRE(recovers(rig));
  for (int i = 0; i < 10; ++i) use();
  WallTime end = must(rig.use(token, issued)).end;
  CHECK(sure == 20);
  CHECK(unsure == 1);  // the others failed at once, and say that nothing happened
  CHECK(end >= issued + seconds(120) + seconds(10) * (sure + 1));
  CHECK(end <= issued + seconds(120) + seconds(10) * (sure + unsure + 1));
}
