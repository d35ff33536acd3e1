// Writes and syncs that fail while the store runs, and a disk that is full.
#include <atomic>
#include <catch2/catch.hpp>

#include "store_workload.h"
#include "support/must.h"

namespace mas::crash {
namespace {

bool is_segment(const fs::FsCall& call) { return call.path.ends_with(".seg"); }

// Fails the n-th call of `op` on a segment from now on.
fs::FaultFs::Hook fail_nth(fs::FsOp op, int n) {
  return
      [op, left = std::make_shared<std::atomic<int>>(n)](const fs::FsCall& call) -> Result<void> {
        if (call.op == op && is_segment(call) && left->fetch_sub(1) == 0) {
          return Error(Code::io, "injected");
        }
        return {};
      };
}

TEST_CASE("after a failed write or sync the volume stops writing and goes on reading") {
  const auto op = GENERATE(fs::FsOp::write, fs::FsOp::sync, fs::FsOp::allocate);
  // Enough puts to reach into a second segment; the failure comes at each call in turn.
  constexpr int kPuts = 14;
  bool failed_late = false;
  for (int n = 0;; ++n) {
    INFO("call " << n);
    const auto disk = fs::make_fault_fs(static_cast<std::uint64_t>(n));
    Ledger ledger;
    int acknowledged = 0;
    std::map<std::string, State> readable;
    {
      const auto rig = must(StoreRig::open(*disk));
      disk->set_hook(fail_nth(op, n));
      Result<void> put;
      for (int i = 0; i < kPuts && put.has_value(); ++i) {
        put = rig->put(ledger, {i, content_of(i, 0, 30'000)});
        acknowledged += put.has_value();
      }
      disk->set_hook({});
      if (put.has_value()) break;
      failed_late = failed_late || acknowledged > kPuts / 2;
      CHECK(put.error().code() == Code::io);
      CHECK_FALSE(rig->store().usage().writable);
      CHECK_FALSE(rig->store().usage().not_writable_reason.empty());
      Ledger refused;
      CHECK(rig->put(refused, {100, "x"}).has_error());
      if (acknowledged > 0) CHECK(rig->remove(refused, {0}).has_error());
      readable = must(rig->read_all());
      for (int i = 0; i < acknowledged; ++i) {
        const auto name = name_of(key_number(i));
        REQUIRE(readable.contains(name));
        REQUIRE(equal(readable.at(name), ledger.latest(name)));
      }
    }
    const auto rng = make_seeded_rng(static_cast<std::uint64_t>(n));
    for (const double keep : {0.0, 0.5, 1.0}) {
      const auto left = disk->after_power_loss(*rng, keep);
      REQUIRE(inspect_store(*left, ledger.allowed()) == std::vector<std::string>{});
    }
    REQUIRE(inspect_store(*disk->after_restart(), ledger.allowed()) == std::vector<std::string>{});
  }
  if (op != fs::FsOp::allocate) CHECK(failed_late);
}

TEST_CASE("what a start finds after a failed sync stays, though the power goes later") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    INFO("seed " << seed);
    const auto disk = fs::make_fault_fs(seed);
    Ledger ledger;
    {
      const auto rig = must(StoreRig::open(*disk));
      must(rig->put(ledger, {0, content_of(0, 0, 3000)}));
      disk->set_hook(fail_nth(fs::FsOp::sync, 0));
      // The system may take these pages for written from here on.
      REQUIRE(rig->put(ledger, {1, content_of(1, 0, 30'000)}).has_error());
      disk->set_hook({});
    }
    const auto after_kill = disk->after_restart();
    std::map<std::string, State> found;
    {
      const auto rig = must(StoreRig::open(*after_kill));
      found = must(rig->read_all());
      REQUIRE(found.size() == 2);
      // Frames behind it are durable only together with it.
      must(rig->put(ledger, {2, content_of(2, 0, 3000)}));
    }
    const auto rng = make_seeded_rng(seed);
    const auto left = after_kill->after_power_loss(*rng, 0.0);
    const auto rig = must(StoreRig::open(*left));
    const auto kept = must(rig->read_all());
    CHECK(kept.size() == 3);
    for (const auto& [name, state] : found) {
      REQUIRE(kept.contains(name));
      CHECK(equal(kept.at(name), state));
    }
    CHECK(rig->store().usage().quarantined == 0);
  }
}

TEST_CASE("a removal is not acknowledged where the record may come back with the next start") {
  const auto disk = fs::make_fault_fs(1);
  Ledger ledger;
  {
    const auto rig = must(StoreRig::open(*disk));
    must(rig->put(ledger, {0, "first"}));
    disk->set_hook(fail_nth(fs::FsOp::sync, 0));
    CHECK(rig->put(ledger, {1, "second"}).has_error());
    CHECK(must(rig->read(key_number(1))) == nullptr);
    CHECK(rig->remove(ledger, {1}).has_error());
    // This one never came near the disk.
    CHECK(rig->remove(ledger, {2}).has_value());
  }
  const auto restarted = disk->after_restart();
  const auto rig = must(StoreRig::open(*restarted));
  CHECK(must(rig->read(key_number(1))) != nullptr);
}

TEST_CASE("a failed read of one record leaves the others readable") {
  const auto disk = fs::make_fault_fs(1);
  Ledger ledger;
  const auto rig = must(StoreRig::open(*disk));
  for (int i = 0; i < 3; ++i) must(rig->put(ledger, {i, content_of(i, 0, 9000)}));
  disk->set_hook([](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::read && is_segment(call) && call.offset < 12'000) {
      return Error(Code::io, "injected");
    }
    return {};
  });
  CHECK(rig->store().usage().quarantined == 0);
  CHECK(code_of(rig->read(key_number(0))) == Code::not_found);
  CHECK(must(rig->read(key_number(0))) == nullptr);
  CHECK(equal(must(rig->read(key_number(2))), ledger.latest(name_of(key_number(2)))));
  CHECK(rig->store().usage().writable);
  // It is not held until it can be read again.
  CHECK(rig->store().usage().quarantined == 1);
  const auto restarted = disk->after_restart();
  const auto again = must(StoreRig::open(*restarted));
  CHECK(equal(must(again->read(key_number(0))), ledger.latest(name_of(key_number(0)))));
}

TEST_CASE("a full disk refuses puts and goes on with reads, removals and compaction") {
  const auto disk = fs::make_fault_fs(1);
  disk->set_capacity(8 << 20);
  Ledger ledger;
  const auto rig = must(StoreRig::open(*disk));
  int stored = 0;
  Result<void> put;
  while (put.has_value()) {
    REQUIRE(stored < 400);
    put = rig->put(ledger, {stored, content_of(stored, 0, 40'000)});
    stored += put.has_value();
  }
  CHECK(put.error().code() == Code::disk_full);
  REQUIRE(stored > 50);
  CHECK(rig->store().usage().free < 50'000);

  std::vector<int> gone;
  for (int i = 0; i < stored; ++i) {
    if (i % 4 != 0) gone.push_back(i);
  }
  must(rig->remove(ledger, gone));
  int compacted = 0;
  while (must(rig->compact_one())) REQUIRE(++compacted < 100);
  CHECK(compacted > 0);
  must(rig->put(ledger, {200, content_of(200, 0, 40'000)}));
  CHECK(judge(ledger.allowed(), must(rig->read_all())) == std::vector<std::string>{});
}

}  // namespace
}  // namespace mas::crash
