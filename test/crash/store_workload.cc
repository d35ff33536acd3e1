#include "store_workload.h"

namespace mas::crash {
namespace {

constexpr int kProbe = 250;  // a key that the workload does not use

std::size_t length_of(int n) {
  constexpr std::size_t kLengths[] = {1, 300, 5000, 4096, 40'000, 17, 33'000, 9000};
  return kLengths[static_cast<std::size_t>(n) % std::size(kLengths)];
}

StoreRig::Put version_of(int n, int version) {
  return {n, content_of(n, version, length_of(n + version))};
}

std::vector<StoreRig::Put> range(int from, int to, int version) {
  std::vector<StoreRig::Put> puts;
  for (int n = from; n < to; ++n) puts.push_back(version_of(n, version));
  return puts;
}

void compact(StoreRig& rig) {
  for (int i = 0; i < 20; ++i) {
    const auto done = rig.compact_one();
    if (done.has_error() || !*done) return;
  }
}

void first_life(fs::Fs& fs, Ledger& ledger) {
  const auto opened = StoreRig::open(fs);
  if (opened.has_error()) return;
  auto& rig = **opened;
  // The oldest segments go one after the other; the second holds what hides the first's records.
  for (int n = 100; n < 110; ++n) (void)rig.put(ledger, {n, content_of(n, 0, 40'000)});
  (void)rig.remove(ledger, {100, 101, 102, 103, 104, 105, 106, 107, 108, 109});
  rig.put_all(ledger, {{110, content_of(110, 0, 40'000)}, {111, content_of(111, 0, 40'000)}});
  compact(rig);
  for (int n = 0; n < 8; ++n) (void)rig.put(ledger, version_of(n, 0));
  rig.put_all(ledger, range(8, 40, 0));
  (void)rig.remove(ledger, {1, 4, 9, 10, 12, 14, 15, 18, 20, 22, 23});
  rig.put_all(ledger, range(2, 8, 1));
  (void)rig.put(ledger, version_of(4, 2));
  compact(rig);
  rig.put_all(ledger, range(40, 60, 0));
  (void)rig.remove(ledger, {4, 41, 42, 44, 46, 47, 49, 50, 52, 54});
  compact(rig);
  (void)rig.close();
}

void second_life(fs::Fs& fs, Ledger& ledger) {
  const auto opened = StoreRig::open(fs);
  if (opened.has_error()) return;
  auto& rig = **opened;
  rig.put_all(ledger, range(20, 26, 3));
  (void)rig.remove(ledger, {0, 20, 26, 28, 30, 31, 33, 36, 38, 39});
  (void)rig.put(ledger, version_of(60, 0));
  compact(rig);
  (void)rig.put(ledger, version_of(61, 0));
  (void)rig.put(ledger, version_of(1, 4));
}

// Tombstones outlive what they hide, and then go too.
void third_life(fs::Fs& fs, Ledger& ledger) {
  const auto opened = StoreRig::open(fs);
  if (opened.has_error()) return;
  auto& rig = **opened;
  rig.put_all(ledger, range(70, 80, 0));
  (void)rig.remove(ledger, {2, 5, 6, 7, 8, 11, 13, 16, 17, 19, 21, 23, 24, 25, 27, 29, 32, 34, 70});
  compact(rig);
  rig.put_all(ledger, range(80, 90, 0));
  (void)rig.remove(ledger, {43, 45, 48, 51, 53, 55, 56, 57, 58, 71, 72, 73, 74, 75, 80, 81, 82});
  compact(rig);
  rig.put_all(ledger, range(90, 100, 0));
  (void)rig.remove(ledger, {83, 84, 85, 86, 87, 88, 89, 90, 91, 92});
  compact(rig);
  (void)rig.put(ledger, version_of(93, 1));
}

struct Finding {
  std::map<std::string, State> content;
  std::uint64_t quarantined = 0;
};

// What a store on `disk` says it holds, after it has stored `probe`, if that is given.
Result<Finding> look(fs::Fs& disk, Ledger* probe = nullptr) {
  MAS_TRY(const auto rig, StoreRig::open(disk));
  if (probe) MAS_CHECK(rig->put(*probe, version_of(kProbe, 0)));
  Finding finding;
  MAS_TRY(finding.content, rig->read_all());
  finding.quarantined = rig->store().usage().quarantined;
  return finding;
}

std::vector<std::string> judge_finding(const Allowed& allowed, const Result<Finding>& finding) {
  if (finding.has_error()) return {"does not open: " + finding.error().message()};
  auto violations = judge(allowed, finding->content);
  if (finding->quarantined > 0) {
    violations.push_back(std::to_string(finding->quarantined) + " records called damaged");
  }
  return violations;
}

void note(std::vector<std::string>& all, const std::vector<std::string>& more, const char* when) {
  for (const auto& line : more) all.push_back(std::string(when) + line);
}

}  // namespace

void run_store_workload(fs::Fs& fs, Ledger& ledger) {
  first_life(fs, ledger);
  second_life(fs, ledger);
  third_life(fs, ledger);
}

std::vector<std::string> inspect_store(fs::FaultFs& disk, const Allowed& allowed, bool twice) {
  const auto found = look(disk);
  auto violations = judge_finding(allowed, found);
  if (!twice || found.has_error()) return violations;

  const auto rng = make_seeded_rng(found->content.size());
  Ledger ledger;
  for (const auto& [name, state] : found->content) {
    ledger.acknowledge(name, ledger.begin(name, state));
  }
  const auto at_once = disk.after_power_loss(*rng, 0.0);
  note(violations, judge_finding(ledger.allowed(), look(*at_once)), "once more: ");

  note(violations, judge_finding(ledger.allowed(), look(disk, &ledger)), "with more written: ");
  const auto later = disk.after_power_loss(*rng, 0.0);
  note(violations, judge_finding(ledger.allowed(), look(*later)), "with more written, lost: ");
  return violations;
}

}  // namespace mas::crash
