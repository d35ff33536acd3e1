// What a pod knows of how far everybody is with letting a layout settle: who has acknowledged it,
// and which slices of all that is stored were found in place under it. Pure.
//
// Why a layout may not settle too early. Previous holders are let go when every stripe and manifest
// that was written under an older layout has been seen with the holders of this one, or is beyond
// repair. That holds when all slices are whole, because:
//
// 1. A member that acknowledges version V has no write of an older version at work, begins none any
//    more (V is on its disk: not after a restart either), and has what no record shows yet in place
//    (object::Objects::writes_drained). So an acknowledgement is for ever, whatever happens to the
//    process: it is remembered as the highest that was ever heard, and a pod that starts again and
//    says less takes nothing back. Holders that have V refuse writes of older versions, which is
//    what keeps out a pod that seems to be down and is not.
// 2. Each pod walks only after an agreement of its own: everybody whom it does not know to be down
//    has acknowledged V. Whom it went without (down, and not known to have acknowledged) it names
//    beside what it found, with the last heartbeat it knows of. When one of those acknowledges,
//    comes back, or comes back and goes again, the agreement is another: the pod walks everything
//    anew.
// 3. A pod believes what another found only if it went without nobody whose acknowledgement, or a
//    later heartbeat, is known here by now: such a pod may have recorded older writes since that
//    walk. So two pods that see different things never add up walks of which one began too early:
//    who has heard more rejects what was found by those who had heard less (or are dead and will
//    hear no more), until they have heard it too. What one pod tells of heartbeats the others take
//    over, so that all come to know the same. Knowledge only grows, hence what was built on
//    believed walks (5) stays good. Which of two heartbeats is the later one their sequence tells,
//    over all processes of a data directory (Kept::sequence), and no clock.
// 4. What was found stays true. Under V nothing moves to a previous holder; later losses are an
//    ordinary case for repair. So it does not matter who found it, whether that pod has died or
//    started again since, or whether two pods took themselves for the owner of one slice for a
//    while: a slice is whole if any member found it so. A pod that has started again has forgotten
//    what it found, says so with its first heartbeat, and those slices are walked again.
// 5. While a pod walks, extents pass from uploads to objects, never back, by one step of the
//    metadata store. So all slices of uploads are found whole first, by anybody, and only then are
//    objects walked: an extent that the walk over uploads missed was an object's by then, and is
//    seen by the walk over objects, which begins later.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mas/membership/membership.h"
#include "membership/pod_table.h"

namespace mas::membership {

class SettleBook {
 public:
  // What is looked at.
  struct Scene {
    const layout::Layout& layout;
    const PodTable& pods;
    const PodKey& self;
    std::uint64_t acknowledged;  // by this pod
  };

  struct Agreement {
    std::uint64_t version = 0;
    // Another number with each agreement: what was walked before one does not count after it.
    std::uint64_t round = 0;
    std::vector<Missing> without;  // by ascending index
  };

  // What the metadata store has of acknowledgements.
  void read(const layout::Layout& layout, const std::vector<meta::LayoutAck>& acks);
  // Looks at everybody, and begins, keeps or ends the agreement. nullopt: there is none.
  const std::optional<Agreement>& look(const Scene& scene);
  // Slots of those who are waited for, as of the last look.
  [[nodiscard]] const std::vector<std::string>& waiting_for() const { return waiting_for_; }
  // Whether the metadata store may know more than heartbeats said: of who is down, and of those who
  // do not say what they acknowledged (mas 0.1.0).
  [[nodiscard]] bool store_may_know() const { return store_may_know_; }
  // What other members found whole and is believed, as of the agreement there is.
  [[nodiscard]] WalkedSlices found_by_others(const Scene& scene) const;
  // Nothing is to be settled.
  void rest();

 private:
  void hear(const Scene& scene);
  void hear_of_beats(const Scene& scene);
  [[nodiscard]] bool has_acknowledged(const Scene& scene, const PodKey& key) const;
  [[nodiscard]] bool believes(const Settling& other) const;

  std::map<PodKey, std::uint64_t> known_;  // acknowledged, the highest ever heard
  // Sequence of the last heartbeat that anybody heard, of those down that have not acknowledged.
  std::map<PodKey, std::uint64_t> beats_;
  std::optional<Agreement> agreement_;
  std::vector<Instant> down_since_;  // for each whom the agreement goes without
  std::uint64_t rounds_ = 0;
  std::vector<std::string> waiting_for_;
  bool store_may_know_ = false;
};

}  // namespace mas::membership
