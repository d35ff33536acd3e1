#include "auth/lifetimes.h"

#include "mas/auth/memory_ledger.h"
#include "mas/fs/fault_fs.h"
#include "mas/runtime/io_threads.h"
#include "support/fake_clock.h"
#include "support/must.h"

using namespace mas;
using namespace mas::auth;
using std::chrono::seconds;

namespace {

constexpr WallTime kIssued{1'000'000'000'000};

WallTime after(int s) { return kIssued + seconds(s); }

Id128 id(std::uint8_t n) {
  Id128 id;
  id.bytes.fill(n);
  return id;
}

}  // namespace

TEST_CASE("a full table refuses new tokens and serves known ones") {
  Lifetimes table(config::Token{}, 2);
  must(table.use(id(1), kIssued, after(0)));
  must(table.use(id(2), kIssued, after(0)));
  CHECK(code_of(table.use(id(3), kIssued, after(0))) == Code::ledger_refused);
  CHECK(table.use(id(1), kIssued, after(1)).has_value());
  // Once the others have ended there is room.
  CHECK(table.use(id(3), after(1000), after(1000)).has_value());
  CHECK(table.size() == 1);
}

TEST_CASE("forgetting a token that has ended does not revive it") {
  Lifetimes table(config::Token{}, 100);
  must(table.use(id(1), kIssued, after(0)));
  must(table.use(id(2), after(500), after(500)));
  CHECK(table.size() == 1);
  CHECK(code_of(table.use(id(1), kIssued, after(500))) == Code::token_invalid);
}

TEST_CASE("the table forgets at least as fast as it learns") {
  Lifetimes table(config::Token{}, 1'000'000);
  for (int i = 0; i < 20'000; ++i) {
    Id128 token;
    std::memcpy(token.bytes.data(), &i, sizeof(i));
    must(table.use(token, after(i), after(i)));
    REQUIRE(table.size() <= 140);
  }
}

TEST_CASE("a table that is saved and loaded gives the same answers") {
  Lifetimes table(config::Token{}, 100);
  for (std::uint8_t n = 1; n <= 20; ++n) must(table.use(id(n), after(n), after(n)));
  std::string bytes = table.save(after(145));
  Lifetimes loaded(config::Token{}, 100);
  must(loaded.load(bytes, after(145)));
  CHECK(loaded.size() == 6);  // those that end at 145 or later
  CHECK(loaded.save(after(145)) == bytes);
  CHECK(loaded.use(id(15), after(15), after(145)).has_value());
  CHECK(code_of(loaded.use(id(14), after(14), after(145))) == Code::token_invalid);
}

TEST_CASE("a saved table that is cut, longer or of another kind is refused whole") {
  Lifetimes table(config::Token{}, 100);
  must(table.use(id(1), kIssued, kIssued));
  std::string bytes = table.save(kIssued);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Lifetimes loaded(config::Token{}, 100);
    REQUIRE(code_of(loaded.load(bytes.substr(0, size), kIssued)) == Code::corrupt);
    REQUIRE(loaded.size() == 0);
  }
  Lifetimes loaded(config::Token{}, 100);
  CHECK(code_of(loaded.load(bytes + "x", kIssued)) == Code::corrupt);
  bytes[4] ^= 1;  // the version
  CHECK(code_of(loaded.load(bytes, kIssued)) == Code::corrupt);
}

TEST_CASE("the memory ledger goes on after a restart, and starts anew from a damaged file") {
  test::FakeClock clock;
  auto fs = fs::make_fault_fs(1);
  must(fs->make_directories("/data"));
  WallTime issued = clock.wall();
  {
    auto ledger = make_memory_ledger(config::Token{}, clock, *fs, "/data/tokens");
    for (int i = 0; i < 10; ++i) must(run_blocking_for(ledger->use(id(1), issued)));
    must(ledger->save());
  }
  clock.advance(seconds(200));
  {
    auto ledger = make_memory_ledger(config::Token{}, clock, *fs, "/data/tokens");
    CHECK(run_blocking_for(ledger->use(id(1), issued)).has_value());
    CHECK(code_of(run_blocking_for(ledger->use(id(2), issued))) == Code::token_invalid);
  }
  must(fs::write_file(*fs, "/data/tokens", as_bytes("damaged")));
  auto ledger = make_memory_ledger(config::Token{}, clock, *fs, "/data/tokens");
  CHECK(code_of(run_blocking_for(ledger->use(id(1), issued))) == Code::token_invalid);
  CHECK(run_blocking_for(ledger->use(id(3), clock.wall())).has_value());
}

TEST_CASE("a ledger without a file saves nothing") {
  test::FakeClock clock;
  auto fs = fs::make_fault_fs(1);
  auto ledger = make_memory_ledger(config::Token{}, clock, *fs, "");
  must(ledger->save());
  CHECK(fs->mutations() == 0);
}
