#include "mas/maintain/rebuild.h"

#include <algorithm>
#include <atomic>

#include "maintain/rebuild/audit.h"
#include "maintain/rebuild/merger.h"

namespace mas::maintain {

const char* name_of(RebuildPhase phase) {
  switch (phase) {
    case RebuildPhase::manifests:
      return "manifests";
    case RebuildPhase::headers:
      return "headers";
    case RebuildPhase::check:
      return "check";
    case RebuildPhase::settle:
      return "settle";
    case RebuildPhase::verify:
      return "verify";
    case RebuildPhase::done:
      return "done";
  }
  return "unknown";
}

namespace {

using rebuild::CarriedWalk;
using rebuild::Merger;
using rebuild::Pods;
using rebuild::Progress;

constexpr std::size_t kBatch = 256;
constexpr std::size_t kBatchBytes = 8 * kMiB;
// Above all that was found, for what pods that are away may have been given last.
constexpr std::uint64_t kSpareGenerations = 1 << 20;
constexpr std::uint64_t kSpareVersions = 16;
constexpr std::uint32_t kMostAtOnce = 1U << 30U;

std::size_t bytes_of(const std::vector<peer::Carried>& group) {
  std::size_t bytes = 0;
  for (const peer::Carried& copy : group) bytes += copy.object.size();
  return bytes;
}

class Run final : public Rebuild {
 public:
  Run(RebuildOptions options, const RebuildDependencies& deps) : options_(options), deps_(deps) {}

  Task<Result<void>> run() override {
    progress_.update([](RebuildReport& report) { report.running = true; });
    Result<void> done = co_await all_phases();
    progress_.update([&done](RebuildReport& report) {
      report.running = false;
      if (done.has_error()) report.error = done.error().message();
    });
    co_return done;
  }
  void stop() override { stopping_ = true; }
  RebuildReport report() const override { return progress_.report(); }

 private:
  Task<Result<void>> all_phases() {
    auto view = deps_.view.current();
    MAS_CO_CHECK(check_view(*view));
    MAS_CO_TRY(auto stored, co_await deps_.meta.current_layout());
    MAS_CO_CHECK(check_stored(*view, stored));
    int members = static_cast<int>(view->layout.active_count());
    Profile usual = layout::profile_for(static_cast<std::size_t>(std::max(members, 1)));
    Pods pods(deps_, options_.profile.value_or(usual).m);
    Result<void> done = pods.enough();
    if (done.has_value()) done = co_await work(pods);
    progress_.update([&pods](RebuildReport& report) { report.away = pods.away(); });
    co_return done;
  }

  static Result<void> check_view(const membership::ClusterView& view) {
    if (view.layout.rows.empty() || !view.is_member()) {
      return Error(
          Code::refused,
          "This pod is no member of the cluster: ask one that is to rebuild its metadata.");
    }
    for (const membership::Pod& pod : view.pods) {
      bool newer = pod.alive && pod.last.layout_version > view.layout.version &&
                   pod.last.cluster == view.layout.cluster;
      if (!newer) continue;
      return Error(Code::busy, "Pod " + pod.last.slot + " goes by a newer layout than this one: " +
                                   std::to_string(pod.last.layout_version) + " after " +
                                   std::to_string(view.layout.version) + "; try again shortly.");
    }
    return {};
  }
  static Result<void> check_stored(const membership::ClusterView& view,
                                   const std::optional<layout::Layout>& stored) {
    if (!stored) return {};
    if (stored->cluster != view.layout.cluster) {
      return Error(Code::refused, "The metadata store belongs to cluster " + stored->cluster.hex() +
                                      ", this pod to " + view.layout.cluster.hex() +
                                      ": nothing is rebuilt there. Correct its address.");
    }
    if (stored->version <= view.layout.version) return {};
    return Error(Code::busy, "This pod does not know the newest layout yet; try again shortly.");
  }

  Task<Result<void>> work(Pods& pods) {
    Merger merger(deps_, pods, progress_);
    MAS_CO_CHECK(co_await merge_manifests(pods, merger));
    MAS_CO_CHECK(co_await merge_headers(pods, merger));
    progress_.enter(RebuildPhase::check);
    MAS_CO_CHECK(co_await rebuild::check_all(deps_, pods, progress_, stopping_));
    progress_.enter(RebuildPhase::settle);
    MAS_CO_CHECK(co_await settle());
    if (options_.verify && deps_.objects != nullptr) {
      progress_.enter(RebuildPhase::verify);
      MAS_CO_CHECK(co_await rebuild::verify_all(deps_, progress_, stopping_));
    }
    progress_.enter(RebuildPhase::done);
    progress_.set(1);
    co_return Result<void>();
  }

  Result<void> go_on() {
    if (!stopping_) return {};
    return Error(Code::closed, "The rebuild was stopped; start it again to go on.");
  }

  Task<Result<void>> merge_manifests(Pods& pods, Merger& merger) {
    progress_.enter(RebuildPhase::manifests);
    CarriedWalk walk(pods, RecordKind::manifest);
    std::vector<rebuild::Versions> batch;
    std::size_t bytes = 0;
    for (;;) {
      MAS_CO_CHECK(go_on());
      MAS_CO_TRY(auto group, co_await walk.next());
      if (!group.empty()) {
        bytes += bytes_of(group);
        batch.push_back(rebuild::sort_manifests(group.front().key.hash(), group));
      }
      bool full = batch.size() >= kBatch || bytes >= kBatchBytes;
      if (!full && !group.empty()) continue;
      MAS_CO_CHECK(co_await merger.merge_manifests(std::move(batch)));
      if (group.empty()) co_return Result<void>();
      batch.clear();
      bytes = 0;
      progress_.set(walk.progress());
    }
  }

  Task<Result<void>> merge_headers(Pods& pods, Merger& merger) {
    progress_.enter(RebuildPhase::headers);
    CarriedWalk walk(pods, RecordKind::shard);
    std::vector<rebuild::Candidate> batch;
    for (;;) {
      MAS_CO_CHECK(go_on());
      MAS_CO_TRY(auto group, co_await walk.next());
      for (auto& candidate : rebuild::sort_headers(group)) batch.push_back(std::move(candidate));
      if (batch.size() < kBatch && !group.empty()) continue;
      MAS_CO_CHECK(co_await merger.merge_headers(std::move(batch)));
      if (group.empty()) co_return Result<void>();
      batch.clear();
      progress_.set(walk.progress());
    }
  }

  // The counter first: with the layout the pods go on. It is raised even if all is well here, for
  // any pod may be waiting for it that has seen more of the old store than this one.
  Task<Result<void>> settle() {
    auto view = deps_.view.current();
    std::uint64_t highest = progress_.report().generation;
    std::uint64_t version = view->layout.version;
    for (const membership::Pod& pod : view->pods) {
      if (pod.last.cluster != view->layout.cluster && !pod.self) continue;
      highest = std::max(highest, pod.last.generation);
      version = std::max(version, pod.last.layout_version);
    }
    MAS_CO_CHECK(co_await raise_counter(highest));
    MAS_CO_TRY(auto stored, co_await deps_.meta.current_layout());
    MAS_CO_CHECK(check_stored(*view, stored));
    layout::Layout next = view->layout;
    next.version = version + kSpareVersions;
    Result<void> written = co_await deps_.meta.propose_layout(stored ? stored->version : 0, next);
    if (written.has_error()) {
      // The answer may have been lost.
      MAS_CO_TRY(stored, co_await deps_.meta.current_layout());
      if (!stored || stored->cluster != next.cluster || stored->version != next.version) {
        co_return written.error();
      }
    }
    note_version(next.version);
    co_return Result<void>();
  }

  Task<Result<void>> raise_counter(std::uint64_t highest) {
    MAS_CO_TRY(std::uint64_t reached, co_await deps_.meta.next_generation(1));
    if (reached > highest) co_return Result<void>();
    std::uint64_t left = highest - reached + kSpareGenerations;
    while (left > 0) {
      auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, kMostAtOnce));
      MAS_CO_CHECK(co_await deps_.meta.next_generation(count));
      left -= count;
    }
    co_return Result<void>();
  }

  void note_version(std::uint64_t version) {
    progress_.update([version](RebuildReport& report) { report.layout_version = version; });
  }

  const RebuildOptions options_;
  const RebuildDependencies deps_;
  Progress progress_;
  std::atomic<bool> stopping_{false};
};

}  // namespace

std::unique_ptr<Rebuild> make_rebuild(RebuildOptions options, const RebuildDependencies& deps) {
  return std::make_unique<Run>(options, deps);
}

}  // namespace mas::maintain
