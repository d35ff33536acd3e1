#include "sim/metadata.h"

#include <algorithm>
#include <set>

#include "mas/layout/leavers.h"
#include "mas/meta/hand_over.h"
#include "mas/meta/memory.h"
#include "sim/at_once.h"
#include "sim/cluster.h"

namespace mas::sim {
namespace {

using std::chrono::seconds;

// Longer than any message to the store is on its way: what was sent to the old one never arrives.
constexpr Duration kDown = seconds(20);
// How old a backup is at most. Deletions that were collected since would be unknown to it and to
// all pods, so it is younger than the grace.
constexpr Duration kOldest = seconds(15);
constexpr Duration kAsking = seconds(5);
// From a rebuild that somebody missed to the next one. Each ends with a new layout: without a rest
// a member that began empty is never known to be filled, and is missed for ever.
constexpr Duration kAgain = std::chrono::minutes(1);
// Downloads go by records that are as old as this.
constexpr Duration kCached = seconds(10);

}  // namespace

ReplaceableMeta::ReplaceableMeta(std::unique_ptr<meta::MetaStore> first) : MetaCalls(*first) {
  stores_.push_back(std::move(first));
}

void ReplaceableMeta::replace(std::unique_ptr<meta::MetaStore> next) {
  stores_.push_back(std::move(next));
  inner_ = stores_.back().get();
}

void Restorer::lose(bool from_backup) {
  if (is_lost_) return;
  is_lost_ = true;
  auto kept = std::make_shared<std::unique_ptr<meta::MetaStore>>(meta::make_memory_meta());
  if (from_backup) {
    const auto carried = at_once(meta::hand_over(meta_.present(), **kept));
    if (carried.has_error()) *kept = meta::make_memory_meta();
  }
  const Duration age = from_backup ? world_.rand().between(Duration(0), kOldest) : Duration(0);
  world_.after(age, [this, there = there_, kept, from_backup] {
    if (!*there) return;
    Host& host = cluster_.network().host(cluster_.meta_host());
    if (listener_) listener_(true);
    if (from_backup) forget_ended(**kept);
    is_stopped_ = true;
    host.life = nullptr;
    host.refuses = world_.rand().chance(0.5);
    world_.after(kDown, [this, there = there_, kept] {
      if (*there) come_back(std::move(*kept));
    });
  });
}

// What uploads held that the backup takes for open, and that has been given up since, may be gone.
void Restorer::forget_ended(meta::MetaStore& backup) {
  std::set<Id128> kept;
  for (const meta::Extent& extent : cluster_.uploading()) kept.insert(extent.id);
  for (const meta::Object& object : cluster_.objects()) {
    for (const meta::Extent& extent : object.extents) kept.insert(extent.id);
  }
  std::vector<meta::Extent> ended = Cluster::uploading(backup);
  std::erase_if(ended, [&](const meta::Extent& extent) { return kept.contains(extent.id); });
  cluster_.losses().lose_for_good(ended);
}

void Restorer::come_back(std::unique_ptr<meta::MetaStore> with) {
  world_.note("metadata replaced");
  meta_.replace(std::move(with));
  is_stopped_ = false;
  cluster_.network().host(cluster_.meta_host()).life = &cluster_.meta_life();
  asked_ = world_.rand().below(cluster_.size());
  ask();
}

bool Restorer::has_ended_well() {
  const auto report = cluster_.pod(asked_).rebuild_report();
  return report && !report->running && report->phase == maintain::RebuildPhase::done &&
         report->error.empty();
}

// Who did not take part and has its disk may know of files that nobody else does: once more then.
bool Restorer::is_rebuilt() {
  const auto report = cluster_.pod(asked_).rebuild_report();
  if (!has_ended_well()) return false;
  const layout::Layout layout = cluster_.layout();
  return std::all_of(report->away.begin(), report->away.end(), [&](const std::string& slot) {
    const layout::MemberIndex member = layout.find(slot);
    return member == layout::kNobody || cluster_.pod_of(layout, member) == nullptr;
  });
}

// Whether it reaches all members but those whose disks are gone. Who is away keeps what only that
// pod knows, which a deletion that was answered while others were down may be.
bool Restorer::sees_everybody(Pod& pod) {
  if (!pod.is_up()) return false;
  const auto view = pod.board().current();
  for (std::size_t i = 0; i < view->layout.members.size(); ++i) {
    const auto member = static_cast<layout::MemberIndex>(i);
    const bool gone = view->layout.members[i].state == layout::kGivenUp;
    if (gone || cluster_.pod_of(view->layout, member) == nullptr) continue;
    const membership::Pod* other = view->pod_of(member);
    if (other == nullptr || !other->alive) return false;
  }
  return true;
}

// As an operator does, who looks again after a while.
void Restorer::ask() {
  world_.after(kAsking, [this, there = there_] {
    if (!*there) return;
    if (is_rebuilt()) {
      const auto report = cluster_.pod(asked_).rebuild_report();
      world_.note("metadata rebuilt", report->restored, report->deletions);
      world_.count("metadata rebuilt");
      world_.count("file restored", report->restored);
      world_.after(kCached, [this, still = there_] {
        if (!*still) return;
        is_lost_ = false;
        if (listener_) listener_(false);
      });
      return;
    }
    const auto report = cluster_.pod(asked_).rebuild_report();
    const bool rests = has_ended_well() && world_.now() < again_;
    if (!rests && (!report || !report->running)) {
      asked_ = world_.rand().below(cluster_.size());
      again_ = world_.now() + kAgain;
      if (sees_everybody(cluster_.pod(asked_))) (void)cluster_.pod(asked_).rebuild();
    }
    ask();
  });
}

}  // namespace mas::sim
