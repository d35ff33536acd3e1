// A cluster in one process with a repair worker and a census for each pod, each with a view of its
// own; time that the test moves.
#pragma once

#include "mas/maintain/repair.h"
#include "support/fake_clock.h"
#include "support/stripes.h"

namespace mas::test {

class ClusterRig {
 public:
  struct Pod {
    Pod(ClusterRig& rig, std::size_t number)
        : board(rig.view_for(number)),
          ledger(metrics),
          deps{{rig.objects.failing_meta(), rig.objects.store(number), board, rig.clock, metrics},
               rig.objects.objects().upkeep(),
               rig.objects.transport(),
               ledger},
          repair(maintain::make_repair_worker(rig.options, deps)) {}
    observe::Metrics metrics;
    membership::ViewBoard board;
    maintain::Ledger ledger;
    maintain::RepairDependencies deps;
    std::unique_ptr<maintain::Worker> repair;
  };

  explicit ClusterRig(std::size_t count, config::Maintain maintain = {})
      : options(maintain), objects({.pods = count}) {
    const layout::Layout& layout = objects.board().current()->layout;
    for (const layout::Member& member : layout.members) {
      membership::Pod pod;
      pod.last.slot = member.slot;
      pod.last.incarnation = member.incarnation;
      view.pods.push_back(pod);
    }
    view.layout = layout;
    for (std::size_t i = 0; i < count; ++i) pods.push_back(std::make_unique<Pod>(*this, i));
  }

  membership::ClusterView view_for(std::size_t number) const {
    membership::ClusterView own = view;
    own.self = static_cast<layout::MemberIndex>(number);
    return own;
  }
  // Shows `view` to everybody.
  void publish() {
    objects.board().publish(view_for(0));
    for (std::size_t i = 0; i < pods.size(); ++i) pods[i]->board.publish(view_for(i));
  }
  void go_down(std::size_t pod) {
    objects.drop(pod);
    view.pods[pod].alive = false;
    publish();
  }
  void come_back(std::size_t pod) {
    objects.bring_back(pod);
    view.pods[pod].alive = true;
    publish();
  }

  // Steps `worker` until it has nothing to do. True if no step failed.
  bool run(maintain::Worker& worker) {
    bool clean = true;
    for (int i = 0; i < 10'000; ++i) {
      Result<Duration> rest = run_blocking_for(worker.step());
      clean = clean && rest.has_value();
      if (rest.has_value() && *rest >= std::chrono::seconds(1)) return clean;
    }
    FAIL("the worker never rests");
    return false;
  }
  // Everybody who is up walks to the end, after the interval.
  bool walk() {
    clock.advance(options.repair_interval);
    bool clean = true;
    for (std::size_t i = 0; i < pods.size(); ++i) {
      if (view.pods[i].alive) clean = run(*pods[i]->repair) && clean;
    }
    return clean;
  }

  // The ledgers of all who are up, added up: stripes by lost shards, and the worst of them.
  std::map<int, std::uint64_t> stripes() {
    std::map<int, std::uint64_t> all;
    for (std::size_t i = 0; i < pods.size(); ++i) {
      if (!view.pods[i].alive) continue;
      for (const auto& row : pods[i]->ledger.picture().rows) all[row.lost] += row.stripes;
    }
    return all;
  }
  std::optional<int> survives() {
    std::optional<int> worst;
    for (std::size_t i = 0; i < pods.size(); ++i) {
      auto mine = pods[i]->ledger.picture().survives;
      if (view.pods[i].alive && mine) worst = std::min(worst.value_or(*mine), *mine);
    }
    return worst;
  }

  std::size_t holder_of(const object::StripeRef& stripe, int shard) {
    return test::holder_of(objects, stripe, shard);
  }
  bool lose(const object::StripeRef& stripe, int shard) {
    return test::lose(objects, stripe, shard);
  }
  Contents contents() { return contents_of(objects, pods.size()); }

  config::Maintain options;
  FakeClock clock;
  ObjectRig objects;
  membership::ClusterView view;
  std::vector<std::unique_ptr<Pod>> pods;
};

}  // namespace mas::test
