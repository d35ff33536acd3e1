#include <vector>

#include "auth/claims_cache.h"
#include "mas/auth/memory_ledger.h"
#include "mas/auth/tokens.h"
#include "mas/fs/fault_fs.h"
#include "support/fake_clock.h"
#include "support/io_rig.h"
#include "support/must.h"

using namespace mas;
using namespace mas::auth;
using namespace mas::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// The memory ledger, with its calls counted and its failures told.
class WatchedLedger final : public TokenLedger {
 public:
  explicit WatchedLedger(TokenLedger& inner) : inner_(inner) {}
  Task<Result<LedgerEntry>> use(Id128 token, WallTime issued_at) override {
    ++uses;
    if (down) co_return Error(Code::ledger_unavailable, "down");
    co_return co_await inner_.use(token, issued_at);
  }
  Task<Result<LedgerEntry>> renew(Id128 token, WallTime issued_at) override {
    ++renewals;
    if (down) co_return Error(Code::ledger_unavailable, "down");
    co_return co_await inner_.renew(token, issued_at);
  }
  Task<Result<WallTime>> now() override {
    if (down) co_return Error(Code::ledger_unavailable, "down");
    co_return co_await inner_.now();
  }
  Task<Result<void>> ping() override { return inner_.ping(); }

  std::atomic<int> uses{0};
  std::atomic<int> renewals{0};
  std::atomic<bool> down{false};

 private:
  TokenLedger& inner_;
};

struct Fixture {
  Fixture() {
    Secrets secrets;
    secrets.system_tokens = {"the system token"};
    secrets.signing_keys = {SigningKey{"11111111", std::string(32, 'k')}};
    authority = make_authority(options, secrets, ledger, clock, *rng);
  }
  ~Fixture() { run_blocking(authority->close()); }

  std::string mint(TokenType type = TokenType::download) {
    Claims claims;
    claims.type = type;
    return must(io.run(authority->mint(claims)));
  }
  Result<std::unique_ptr<TokenUse>> begin(const std::string& token,
                                          TokenType type = TokenType::download) {
    return io.run(authority->begin(token, type));
  }
  void advance(Duration d) {
    clock.advance(d);
    io.settle();
  }

  config::Token options;
  FakeClock clock;
  std::unique_ptr<fs::FaultFs> fs = fs::make_fault_fs(1);
  std::unique_ptr<Rng> rng = make_seeded_rng(1);
  std::unique_ptr<MemoryLedger> table = make_memory_ledger(options, clock, *fs, "");
  WatchedLedger ledger{*table};
  IoRig io;
  std::unique_ptr<Authority> authority;
};

}  // namespace

TEST_CASE("a minted token says who minted it when, and is good for its type only") {
  Fixture f;
  Claims claims;
  claims.hash.bytes.fill(3);
  claims.name = "report.pdf";
  std::string token = must(f.io.run(f.authority->mint(claims)));
  auto use = must(f.begin(token));
  CHECK(use->claims().hash == claims.hash);
  CHECK(use->claims().name == "report.pdf");
  CHECK(use->claims().issued_at == f.clock.wall());
  CHECK_FALSE(use->claims().id.is_zero());
  CHECK(code_of(f.begin(token, TokenType::upload)) == Code::token_wrong_type);
  CHECK(code_of(f.begin(f.mint(TokenType::upload))) == Code::token_wrong_type);
  CHECK(code_of(f.begin("nonsense")) == Code::token_invalid);
  CHECK(f.authority->is_system_token("the system token"));
  CHECK_FALSE(f.authority->is_system_token("another"));
}

TEST_CASE("claims that make no good token are refused when minted") {
  Fixture f;
  Claims claims;
  claims.name = std::string(4'000, 'n');
  CHECK(code_of(f.io.run(f.authority->mint(claims))) == Code::parameter_malformed);
  claims.name = "\xff\xfe";
  CHECK(code_of(f.io.run(f.authority->mint(claims))) == Code::parameter_malformed);
}

TEST_CASE("a token that was verified before is still refused past its end") {
  Fixture f;
  std::string token = f.mint();
  must(f.begin(token)).reset();
  f.advance(seconds(131));
  CHECK(code_of(f.begin(token)) == Code::token_invalid);
}

TEST_CASE("a token runs a limited number of requests at once") {
  Fixture f;
  std::string token = f.mint(), other = f.mint();
  std::vector<std::unique_ptr<TokenUse>> uses;
  for (std::uint32_t i = 0; i < f.options.requests_at_once; ++i) {
    uses.push_back(must(f.begin(token)));
  }
  int before = f.ledger.uses;
  CHECK(code_of(f.begin(token)) == Code::too_many_requests);
  CHECK(f.ledger.uses == before);
  CHECK(f.begin(other).has_value());
  uses.pop_back();
  uses.push_back(must(f.begin(token)));
  CHECK(code_of(f.begin(token)) == Code::too_many_requests);
}

TEST_CASE("a long request keeps its token alive, and for ten seconds after it") {
  Fixture f;
  std::string token = f.mint();
  auto use = must(f.begin(token));
  for (int i = 0; i < 100; ++i) f.advance(seconds(5));
  CHECK(f.ledger.renewals == 100);
  f.advance(seconds(4));
  use.reset();
  f.advance(seconds(1));  // the next round pays what the end of the use owes
  CHECK(f.ledger.renewals == 101);
  f.advance(seconds(9));
  CHECK(f.begin(token).has_value());
}

TEST_CASE("without a request that runs the token ends") {
  Fixture f;
  std::string token = f.mint();
  auto use = must(f.begin(token));
  for (int i = 0; i < 100; ++i) f.advance(seconds(5));
  use.reset();
  for (int i = 0; i < 4; ++i) f.advance(seconds(5));
  CHECK(code_of(f.begin(token)) == Code::token_invalid);
}

TEST_CASE("short requests cost no renewal, and the sweep ends when nothing runs") {
  Fixture f;
  for (int i = 0; i < 50; ++i) {
    auto use = must(f.begin(f.mint()));
    f.clock.advance(milliseconds(10));
  }
  for (int i = 0; i < 5; ++i) f.advance(seconds(5));
  CHECK(f.ledger.renewals == 0);
  CHECK(f.clock.waiting() == 0);
}

TEST_CASE("a refused request adds nothing to a token's life") {
  Fixture f;
  std::string token = f.mint();
  f.ledger.down = true;
  CHECK(code_of(f.begin(token)) == Code::ledger_unavailable);
  f.ledger.down = false;
  for (int i = 0; i < 10; ++i) f.advance(seconds(5));
  CHECK(f.ledger.renewals == 0);
  CHECK(f.clock.waiting() == 0);
}

TEST_CASE("an outage of the ledger does not end a request that runs") {
  Fixture f;
  std::string token = f.mint();
  auto use = must(f.begin(token));
  for (int i = 0; i < 3; ++i) f.advance(seconds(5));
  f.ledger.down = true;
  f.advance(seconds(5));
  CHECK(code_of(f.io.run(f.authority->mint({}))) == Code::ledger_unavailable);
  f.ledger.down = false;
  for (int i = 0; i < 50; ++i) f.advance(seconds(5));
  CHECK(f.begin(token).has_value());
}

TEST_CASE("closing ends the renewals at once, with requests still running") {
  Fixture f;
  auto use = must(f.begin(f.mint()));
  f.io.settle();
  REQUIRE(f.clock.waiting() == 1);
  run_blocking(f.authority->close());
  CHECK(f.clock.waiting() == 0);
  CHECK(f.begin(f.mint()).has_value());
  CHECK(f.clock.waiting() == 0);
}

TEST_CASE("an address is refused at most so often a second") {
  Fixture f;
  for (std::uint32_t i = 0; i < f.options.refusals_per_second; ++i) {
    CHECK(f.authority->count_refusal("10.0.0.1"));
  }
  CHECK_FALSE(f.authority->count_refusal("10.0.0.1"));
  CHECK(f.authority->count_refusal("10.0.0.2"));
  f.clock.advance(milliseconds(100));
  CHECK(f.authority->count_refusal("10.0.0.1"));
  CHECK(f.authority->count_refusal("10.0.0.1"));
  CHECK_FALSE(f.authority->count_refusal("10.0.0.1"));
  f.clock.advance(seconds(1));
  for (std::uint32_t i = 0; i < f.options.refusals_per_second; ++i) {
    CHECK(f.authority->count_refusal("10.0.0.1"));
  }
  CHECK_FALSE(f.authority->count_refusal("10.0.0.1"));
}

TEST_CASE("whoever has a network of IPv6 addresses is one who is refused") {
  Fixture f;
  for (std::uint32_t i = 0; i < f.options.refusals_per_second; ++i) {
    CHECK(f.authority->count_refusal("2001:db8::" + std::to_string(i)));
  }
  CHECK_FALSE(f.authority->count_refusal("2001:db8::ffff:1"));
  CHECK(f.authority->count_refusal("2001:db8:0:1::1"));
  CHECK(f.authority->count_refusal("::ffff:10.0.0.1"));
}

TEST_CASE("an address that goes on is remembered among many others") {
  Fixture f;
  for (int i = 0; i < 50'000; ++i) {
    f.authority->count_refusal("a" + std::to_string(i));
    if (i % 1000 == 0) f.authority->count_refusal("stubborn");
  }
  CHECK_FALSE(f.authority->count_refusal("stubborn"));
  CHECK(f.authority->count_refusal("a1"));
}

TEST_CASE("the cache keeps the tokens used last and no more than twice its size") {
  ClaimsCache cache(10);
  auto claims = std::make_shared<const Claims>();
  cache.put("kept", claims);
  for (int i = 0; i < 100; ++i) {
    cache.put("token " + std::to_string(i), claims);
    CHECK(cache.find("kept") == claims);
  }
  int found = 0;
  for (int i = 0; i < 100; ++i) found += cache.find("token " + std::to_string(i)) ? 1 : 0;
  CHECK(found < 20);
  CHECK_FALSE(cache.find("never"));
}
