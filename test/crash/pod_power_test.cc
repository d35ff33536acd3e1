// The power goes at every write, sync, rename and unlink of a pod's disk while it takes uploads,
// in one request and in parts, deletes and compacts. Rules 1 to 3 of the design are checked:
// acknowledged uploads are there, unacknowledged ones absent or complete, deleted ones gone.
#include <catch2/catch.hpp>

#include "pod_rig.h"

namespace mas::crash {
namespace {

std::string text(int n, std::size_t size) {
  std::string bytes = "object " + std::to_string(n) + ":";
  const auto rng = make_seeded_rng(static_cast<std::uint64_t>(n));
  std::string noise(size, '\0');
  rng->fill({reinterpret_cast<std::uint8_t*>(noise.data()), noise.size()});
  bytes += noise;
  bytes.resize(size);
  return bytes;
}

// Plain copies, one stripe, several stripes, several extents, nothing.
const std::string kObjects[] = {text(0, 100),    text(1, 30'000),  text(2, 64 * 1024),
                                text(3, 70'000), text(4, 150'000), text(5, 300'000),
                                text(6, 5000),   std::string()};
const std::string kParts[] = {text(10, 50'000), text(11, 40'000), text(12, 6000)};
const std::string kJoined = kParts[0] + kParts[1] + kParts[2];

object::SessionKey session_key() { return {hash_of(kJoined), ""}; }

void first_life(fs::Fs& fs, Ledger& ledger) {
  const auto opened = PodRig::open(fs, session_key());
  if (opened.has_error()) return;
  auto& pod = **opened;
  for (const auto& content : kObjects) (void)pod.put(ledger, content);
  (void)pod.begin_session();
  (void)pod.part(ledger, 1, kParts[0]);
  (void)pod.remove(ledger, kObjects[1]);
  (void)pod.remove(ledger, kObjects[4]);
  (void)pod.put(ledger, kObjects[0]);  // is there already
  (void)pod.part(ledger, 3, kParts[2]);
  (void)pod.put(ledger, kObjects[1]);  // after it was deleted
  (void)pod.compact();
}

void second_life(fs::Fs& fs, Ledger& ledger) {
  const auto opened = PodRig::open(fs, session_key());
  if (opened.has_error()) return;
  auto& pod = **opened;
  (void)pod.part(ledger, 2, kParts[1]);
  (void)pod.finish(ledger, kJoined);
  (void)pod.remove(ledger, kObjects[5]);
  (void)pod.remove(ledger, kObjects[1]);
  (void)pod.put(ledger, kObjects[4]);
  (void)pod.compact();
}

void run_pod_workload(fs::Fs& fs, Ledger& ledger) {
  first_life(fs, ledger);
  second_life(fs, ledger);
}

std::vector<std::string> inspect_pod(fs::Fs& disk, const Allowed& allowed) {
  const auto pod = PodRig::open(disk, session_key());
  if (pod.has_error()) return {"does not start: " + pod.error().message()};
  const auto found = (*pod)->read_all();
  if (found.has_error()) return {"cannot be read: " + found.error().message()};
  auto violations = judge(allowed, *found);
  if ((*pod)->quarantined() > 0) violations.emplace_back("records called damaged");
  return violations;
}

TEST_CASE("a pod keeps rules 1 to 3 wherever the power goes") {
  const auto disk = fs::make_fault_fs(1);
  Ledger ledger;
  const auto points = record(*disk, ledger, [&] { run_pod_workload(*disk, ledger); });
  REQUIRE(points.size() > 200);
  // Everything asked for was acknowledged.
  for (const auto& [name, states] : points.back().allowed) REQUIRE(states.size() == 1);
  const auto rng = make_seeded_rng(2);
  for (const auto& point : points) {
    for (const double keep : {0.0, 0.5}) {
      INFO("before " << point.before << ", keeping " << keep);
      const auto left = point.disk->after_power_loss(*rng, keep);
      REQUIRE(inspect_pod(*left, point.allowed) == std::vector<std::string>{});
    }
  }
}

TEST_CASE("a pod keeps rules 1 to 3 wherever its process is killed") {
  const auto disk = fs::make_fault_fs(1);
  Ledger ledger;
  const auto points = record(*disk, ledger, [&] { run_pod_workload(*disk, ledger); });
  for (std::size_t i = 0; i < points.size(); i += 2) {
    INFO("before " << points[i].before);
    REQUIRE(inspect_pod(*points[i].disk, points[i].allowed) == std::vector<std::string>{});
  }
}

TEST_CASE("a pod whose disk fails from some call on keeps rules 1 to 3") {
  const auto rng = make_seeded_rng(3);
  each_power_off(3, run_pod_workload,
                 [&](const fs::FaultFs& disk, const Allowed& allowed, std::uint64_t n) {
                   INFO("power off after " << n);
                   const auto left = disk.after_power_loss(*rng, n % 2 == 0 ? 0.0 : 1.0);
                   REQUIRE(inspect_pod(*left, allowed) == std::vector<std::string>{});
                 });
}

TEST_CASE("a pod whose syncs lie is caught") {
  struct Site {
    const char* name;
    bool (*is)(const std::string& path, bool is_directory);
  };
  const Site sites[] = {
      {"the metadata's log",
       [](const std::string& path, bool) {
         return path.ends_with(".log") && path.find("/meta/") != std::string::npos;
       }},
      {"the metadata's directory",
       [](const std::string& path, bool is_directory) {
         return is_directory && path.ends_with("/meta");
       }},
      {"the segments", [](const std::string& path, bool) { return path.ends_with(".seg"); }},
      {"the data directory", [](const std::string& path,
                                bool is_directory) { return is_directory && path == "/pod/data"; }},
  };
  for (const auto& site : sites) {
    const auto disk = fs::make_fault_fs(1);
    disk->set_lying_sync([&](const fs::FsCall& call) {
      return site.is(call.path, call.op == fs::FsOp::sync_directory);
    });
    Ledger ledger;
    const auto points = record(*disk, ledger, [&] { run_pod_workload(*disk, ledger); });
    const auto rng = make_seeded_rng(4);
    bool noticed = false;
    for (std::size_t i = points.size(); i > 0 && !noticed; --i) {
      const auto& point = points[i - 1];
      noticed = !inspect_pod(*point.disk->after_power_loss(*rng, 0.0), point.allowed).empty();
    }
    INFO(site.name);
    CHECK(noticed);
  }
}

}  // namespace
}  // namespace mas::crash
