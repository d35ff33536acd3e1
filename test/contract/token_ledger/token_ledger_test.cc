#include <atomic>

#include "backend.h"
#include "mas/runtime/io_threads.h"
#include "mas/runtime/rng.h"
#include "mas/runtime/sync.h"
#include "support/must.h"

using namespace mas;
using namespace mas::test;
using auth::LedgerEntry;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;

namespace {

struct Fixture {
  config::Token options;
  std::unique_ptr<LedgerBackend> backend = make_backend(options);
  std::unique_ptr<Rng> rng = make_system_rng();
  Id128 token = rng->id();
  WallTime issued = now();

  WallTime now() { return must(run_blocking_for(backend->ledger().now())); }
  Result<LedgerEntry> use() { return run_blocking_for(backend->ledger().use(token, issued)); }
  LedgerEntry renew() { return must(run_blocking_for(backend->ledger().renew(token, issued))); }
  void advance(Duration d) { backend->advance(d); }
};

Task<void> use_at_once(auth::TokenLedger& ledger, Id128 token, WallTime issued,
                       std::atomic<int>& taken) {
  auto used = co_await ledger.use(token, issued);
  if (used.has_value()) ++taken;
}

}  // namespace

TEST_CASE("a token must be used within its first 120 seconds") {
  Fixture f;
  f.advance(seconds(120));
  CHECK(f.use().has_value());
  Fixture late;
  late.advance(seconds(120) + microseconds(1));
  CHECK(code_of(late.use()) == Code::token_invalid);
}

TEST_CASE("each use that begins in time adds ten seconds at once") {
  Fixture f;
  LedgerEntry first = must(f.use());
  CHECK(first.now == f.issued);
  CHECK(first.end == f.issued + seconds(130));
  CHECK(must(f.use()).end == f.issued + seconds(140));
  f.advance(seconds(140));
  CHECK(must(f.use()).end == f.issued + seconds(150));
  f.advance(seconds(10));
  CHECK(must(f.use()).end == f.issued + seconds(160));
  f.advance(seconds(10) + microseconds(1));
  CHECK(code_of(f.use()) == Code::token_invalid);
}

TEST_CASE("a refused use adds nothing") {
  Fixture f;
  f.advance(seconds(121));
  for (int i = 0; i < 3; ++i) CHECK(code_of(f.use()) == Code::token_invalid);
}

TEST_CASE("a renewal keeps the end ten seconds ahead and takes nothing away") {
  Fixture f;
  must(f.use());
  CHECK(f.renew().end == f.issued + seconds(130));
  f.advance(seconds(125));
  CHECK(f.renew().end == f.issued + seconds(135));
  f.advance(seconds(10));
  CHECK(f.use().has_value());
}

TEST_CASE("a renewal is never refused, however late it comes") {
  Fixture f;
  must(f.use());
  f.advance(seconds(500));
  LedgerEntry renewed = f.renew();
  CHECK(renewed.end == f.issued + seconds(510));
  f.advance(seconds(10));
  CHECK(f.use().has_value());
}

TEST_CASE("no use begins after the longest life, but one that runs is kept alive") {
  Fixture f;
  must(f.use());
  for (int i = 0; i < 24 * 60 * 12; ++i) {
    f.advance(seconds(5));
    f.renew();
  }
  CHECK(code_of(f.use()) == Code::token_invalid);
  CHECK(f.renew().end == f.issued + hours(24) + seconds(10));
  Fixture in_time;
  for (int i = 0; i < 24 * 60 * 12 - 1; ++i) {
    in_time.advance(seconds(5));
    in_time.renew();
  }
  CHECK(in_time.use().has_value());
}

TEST_CASE("a token the ledger does not know is good until 120 seconds after it was issued") {
  Fixture f;
  f.advance(seconds(60));
  CHECK(f.use().has_value());
  f.token = f.rng->id();
  f.advance(seconds(61));
  CHECK(code_of(f.use()) == Code::token_invalid);
}

TEST_CASE("tokens do not touch each other") {
  Fixture f;
  Id128 first = f.token, second = f.rng->id();
  for (int i = 0; i < 5; ++i) must(f.use());
  f.token = second;
  CHECK(must(f.use()).end == f.issued + seconds(130));
  f.token = first;
  CHECK(must(f.use()).end == f.issued + seconds(180));
}

TEST_CASE("uses at once each add their ten seconds") {
  Fixture f;
  constexpr int kUses = 64;
  std::atomic<int> taken{0};
  {
    IoThreads io(4);
    Gate gate;
    for (int i = 0; i < kUses; ++i) {
      bool started = spawn(io.executor(static_cast<std::size_t>(i) % 4), gate,
                           use_at_once(f.backend->ledger(), f.token, f.issued, taken), "use");
      REQUIRE(started);
    }
    io.start();
    run_blocking(gate.close());
  }
  CHECK(taken == kUses);
  CHECK(must(f.use()).end == f.issued + seconds(120) + seconds(10) * (kUses + 1));
}

TEST_CASE("a ledger answers pings") {
  Fixture f;
  must(run_blocking_for(f.backend->ledger().ping()));
}
