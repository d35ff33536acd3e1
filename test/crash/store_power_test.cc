// The power goes at every write, sync, rename and unlink of a store's life.
#include <catch2/catch.hpp>

#include "store_workload.h"

namespace mas::crash {
namespace {

// The faults stay within what a disk may do: synced content stays, each unsynced 4 KiB block,
// directory entry and file size is kept or lost on its own.
constexpr double kKeeps[] = {0.0, 0.5, 1.0};

TEST_CASE("a store keeps what it acknowledged wherever the power goes") {
  const auto disk = fs::make_fault_fs(1);
  Ledger ledger;
  const auto points = record(*disk, ledger, [&] { run_store_workload(*disk, ledger); });
  // Enough happened: several segments came and went.
  REQUIRE(points.size() > 300);
  const auto rng = make_seeded_rng(2);
  int checked = 0;
  for (const auto& point : points) {
    for (const double keep : kKeeps) {
      INFO("before " << point.before << ", keeping " << keep);
      const auto left = point.disk->after_power_loss(*rng, keep);
      const auto violations = inspect_store(*left, point.allowed, ++checked % 5 == 0);
      REQUIRE(violations == std::vector<std::string>{});
    }
  }
}

TEST_CASE("a store whose index is gone too keeps what it acknowledged wherever the power goes") {
  const auto disk = fs::make_fault_fs(1);
  Ledger ledger;
  const auto points = record(*disk, ledger, [&] { run_store_workload(*disk, ledger); });
  const auto rng = make_seeded_rng(2);
  for (const auto& point : points) {
    // Every change of the segments once, of the index now and then.
    if (point.before.find("/index/") != std::string::npos && rng->u64() % 8 != 0) continue;
    INFO("before " << point.before);
    const auto left = point.disk->after_power_loss(*rng, 0.5);
    REQUIRE(left->remove_tree(kIndexDirectory).has_value());
    REQUIRE(inspect_store(*left, point.allowed) == std::vector<std::string>{});
  }
}

TEST_CASE("a store keeps what it acknowledged wherever its process is killed") {
  const auto disk = fs::make_fault_fs(1);
  Ledger ledger;
  const auto points = record(*disk, ledger, [&] { run_store_workload(*disk, ledger); });
  int checked = 0;
  for (const auto& point : points) {
    INFO("before " << point.before);
    REQUIRE(inspect_store(*point.disk, point.allowed, ++checked % 3 == 0) ==
            std::vector<std::string>{});
  }
}

TEST_CASE("a store acknowledges nothing after the power is gone") {
  const auto rng = make_seeded_rng(3);
  each_power_off(2, run_store_workload,
                 [&](const fs::FaultFs& disk, const Allowed& allowed, std::uint64_t n) {
                   const double keep = kKeeps[n / 2 % std::size(kKeeps)];
                   INFO("power off after " << n << ", keeping " << keep);
                   const auto left = disk.after_power_loss(*rng, keep);
                   REQUIRE(inspect_store(*left, allowed) == std::vector<std::string>{});
                 });
}

TEST_CASE("a store keeps what it acknowledged when the power goes again while it recovers") {
  const auto disk = fs::make_fault_fs(1);
  Ledger ledger;
  const auto points = record(*disk, ledger, [&] { run_store_workload(*disk, ledger); });
  const auto rng = make_seeded_rng(4);
  for (std::size_t i = 7; i < points.size(); i += points.size() / 12) {
    const auto first = points[i].disk->after_power_loss(*rng, 0.5);
    Ledger unused;
    const auto inner = record(*first, unused, [&] { (void)StoreRig::open(*first); });
    for (const auto& point : inner) {
      INFO("first before " << points[i].before << ", then before " << point.before);
      const auto left = point.disk->after_power_loss(*rng, 0.5);
      REQUIRE(inspect_store(*left, points[i].allowed) == std::vector<std::string>{});
    }
  }
}

}  // namespace
}  // namespace mas::crash
