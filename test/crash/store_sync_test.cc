// Shows that the power loss tests would notice a sync that is missing from the store: each is made
// to lie in turn.
#include <catch2/catch.hpp>

#include "store_workload.h"

namespace mas::crash {
namespace {

using fs::FsCall;
using fs::FsOp;

// `previous`: the change made before this sync to the same file or directory tree but the index.
struct Site {
  const char* name;
  bool (*is)(const FsCall& sync, const FsCall& previous);
};

bool is_segment(const FsCall& call) { return call.path.ends_with(".seg"); }
bool is_segment_directory(const FsCall& call) {
  return call.op == FsOp::sync_directory && call.path.ends_with("/segments");
}
bool is_volume_directory(const FsCall& call) {
  return call.op == FsOp::sync_directory && call.path == kDirectory;
}

const Site kSites[] = {
    {"a frame",
     [](const FsCall& sync, const FsCall& previous) {
       return is_segment(sync) && previous.op == FsOp::write && previous.offset > 0;
     }},
    {"the name of a new segment",
     [](const FsCall& sync, const FsCall& previous) {
       return is_segment_directory(sync) && previous.op == FsOp::sync;
     }},
    {"the removal of a segment",
     [](const FsCall& sync, const FsCall& previous) {
       return is_segment_directory(sync) && previous.op == FsOp::remove;
     }},
    {"the files that name the volume",
     [](const FsCall& sync, const FsCall&) {
       return sync.path.ends_with("/volume.tmp") || sync.path.ends_with("/volume.copy.tmp");
     }},
    {"the name of that file",
     [](const FsCall& sync, const FsCall&) { return is_volume_directory(sync); }},
    {"the directory above the volume",
     [](const FsCall& sync, const FsCall&) { return sync.path == "/pod"; }},
    {"the directory above that",
     [](const FsCall& sync, const FsCall&) { return sync.path == "/"; }},
};

// Tells syncs apart by what was done before them.
class Liar {
 public:
  explicit Liar(const Site& site) : site_(site) {}

  bool operator()(const FsCall& call) {
    const std::lock_guard guard(mutex_);
    const bool lies = site_.is(call, previous_);
    lies_ += lies;
    previous_ = call;
    return lies;
  }
  void note(const FsCall& call) {
    const std::lock_guard guard(mutex_);
    const bool is_sync = call.op == FsOp::sync || call.op == FsOp::sync_directory;
    if (!is_sync && is_mutation(call.op)) previous_ = call;
  }
  [[nodiscard]] int lies() const { return lies_; }

 private:
  const Site& site_;
  std::mutex mutex_;
  FsCall previous_;
  int lies_ = 0;
};

bool concerns_index(const FsCall& call) { return call.path.find("/index") != std::string::npos; }

TEST_CASE("a sync that is taken away is noticed") {
  for (const auto& site : kSites) {
    const auto disk = fs::make_fault_fs(1);
    Ledger ledger;
    Liar liar(site);
    disk->set_lying_sync([&](const FsCall& call) { return !concerns_index(call) && liar(call); });
    const auto watch = [&](const FsCall& call) {
      if (!concerns_index(call)) liar.note(call);
    };
    const auto points = record(
        *disk, ledger, [&] { run_store_workload(*disk, ledger); }, watch);
    INFO(site.name);
    CHECK(liar.lies() > 0);
    const auto rng = make_seeded_rng(3);
    std::string noticed;
    for (const auto& point : points) {
      for (const double keep : {0.0, 0.5, 0.5}) {
        const auto left = point.disk->after_power_loss(*rng, keep);
        auto violations = inspect_store(*left->after_restart(), point.allowed);
        if (violations.empty()) {
          // A removal that was undone shows when the index does not hide it.
          REQUIRE(left->remove_tree(kIndexDirectory).has_value());
          violations = inspect_store(*left, point.allowed);
        }
        if (violations.empty()) continue;
        noticed = violations.front() + ", before " + point.before;
        break;
      }
      if (!noticed.empty()) break;
    }
    CHECK(noticed != "");
    if (noticed.empty()) WARN("not noticed: " << site.name);
  }
}

}  // namespace
}  // namespace mas::crash
