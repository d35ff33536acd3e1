// Losses: which pods have lost what they held for good, and what may be gone with it.
//
// A receipt says how many losses its file survives. It counts what was lost before it was asked
// for: only a loss that came while it was on its way (at most kInFlight before its answer) may be
// missing from it, and one that nobody can have noticed yet (bit rot, a sector that nobody has
// read). Losses count until every stripe has been seen whole again (an Audit); what was seen whole
// survives as many as its profile does from then on. A file that had more losses than each of its
// receipts says is excused: it may be damaged, for good.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "mas/meta/records.h"
#include "sim/world.h"

namespace mas::sim {

// After a loss nothing that was on its way to a receipt before it is so any more: the longest that
// a request works on from its last look at its holders to its answer.
inline constexpr Duration kInFlight = std::chrono::seconds(45);

enum class LossKind {
  known,   // whoever asks the pod is told
  hidden,  // the pod itself does not know before it reads
};

class Losses {
 public:
  explicit Losses(World& world) : world_(world) {}

  // An extent was heard of.
  void born(const Id128& extent) { born_.insert(extent); }
  // Whether the metadata store ever had to do with this extent.
  [[nodiscard]] bool was_known(const Id128& extent) const { return born_.contains(extent); }

  // A receipt for the record, asked for at `asked` and answered now.
  void promise(const meta::Object& object, int survives, Instant asked);
  // Some or all of what this pod holds is gone.
  void add(std::size_t pod, LossKind kind);
  // This pod may be away for so long that its slot leaves, or is taken over. Nothing is lost: it
  // comes back. It counts as a loss only for what else may be lost meanwhile.
  void away(std::size_t pod);
  // Of the directory that took this pod's place while its disk was away some is gone with it: some
  // of what belongs to the records that begin with these extents. The disk has the rest.
  void add_below(std::size_t pod, const std::set<Id128>& firsts);
  // More of these extents was lost, just now, than they survive: nobody can bring them back.
  void lose_for_good(const std::vector<meta::Extent>& extents);
  // A pod of whose records some were lost so.
  void touched(std::size_t pod) { ever_.insert(pod); }
  // All stripes of all files and uploads were seen whole, by a look that began at `begun`;
  // `objects` are the files, `lost_of_uploads` the extents of uploads of which losses have taken
  // more than they survive. True if nothing was lost since.
  bool seen_whole(const std::vector<meta::Object>& objects,
                  const std::vector<Id128>& lost_of_uploads, Instant begun);

  // Pods whose losses are not known to be made good.
  [[nodiscard]] const std::set<std::size_t>& open() const noexcept { return open_; }
  [[nodiscard]] bool anybody_away() const noexcept { return !away_.empty(); }
  // Of those, some nobody knows of.
  [[nodiscard]] bool any_hidden() const;
  // Whether this pod may have lost something that nobody knows of.
  [[nodiscard]] bool any_hidden(std::size_t pod) const;
  [[nodiscard]] Instant last() const noexcept { return last_; }
  // Of how many pods something was lost since all was seen whole; who is away has lost nothing.
  [[nodiscard]] std::size_t pods_that_lost() const { return lost_since(Instant()); }
  // Whether a pod ever lost anything.
  [[nodiscard]] bool ever(std::size_t pod) const { return ever_.contains(pod); }
  [[nodiscard]] bool is_excused(const meta::Object& object) const;
  [[nodiscard]] bool is_lost_for_good(const Id128& extent) const { return lost_.contains(extent); }
  // Of some of its extents.
  [[nodiscard]] bool is_lost_for_good(const meta::Object& object) const;
  // Of an upload, and seen unreadable where that was excused. Whoever publishes it is wrong.
  [[nodiscard]] bool is_known_lost(const Id128& extent) const {
    return lost_of_uploads_.contains(extent);
  }
  // Of how many pods a receipt that was asked for at `asked`, and is answered now, may not know
  // that they have lost something, or went away. Of hidden losses it never knows.
  [[nodiscard]] std::size_t unknown_to_receipt(Instant asked) const;
  // Whether such a receipt may not know that this extent was lost for good.
  [[nodiscard]] bool may_not_know(const Id128& extent, Instant asked) const;

 private:
  struct Event {
    std::size_t pod;
    Instant at;
    bool hidden;
    bool away;
  };
  struct Promise {
    Instant since;  // losses before it are in the receipt, but for hidden ones
    int survives = 0;
    bool exceeded = false;
  };
  [[nodiscard]] Instant known_until(Instant asked) const;
  [[nodiscard]] std::size_t lost_since(Instant since) const;
  void note(std::size_t pod, Event event);
  void exceed(std::vector<Promise>& promises) const;

  World& world_;
  // Else they count what was there when it was written.
  std::set<Id128> born_;
  std::map<Id128, std::vector<Promise>> promises_;  // by the first extent of the record
  std::map<Id128, Instant> lost_;                   // extents, for good
  std::set<Id128> lost_of_uploads_;
  std::vector<Event> events_;  // since all was seen whole
  std::set<std::size_t> open_;
  std::set<std::size_t> away_;
  std::set<std::size_t> ever_;
  std::size_t most_ = 0;  // at once
  Instant last_{};
};

}  // namespace mas::sim
