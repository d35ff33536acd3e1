// Makes one stripe whole: finds what is missing at the row's holders, gathers k good shards from
// wherever they are, rebuilds, puts, reads back.
#pragma once

#include <vector>

#include "mas/object/repair.h"
#include "object/body_reader.h"
#include "object/shard_source.h"

namespace mas::object {

class StripeRepair {
 public:
  StripeRepair(Context& context, const StripeRef& stripe, Care care);

  // Once. See Upkeep::repair.
  Task<Result<Mended>> run();

 private:
  enum class Place : std::uint8_t { held, absent, away };
  struct Shard {
    Place place = Place::away;
    // Verified; both empty while it is not in hand.
    std::optional<codec::ShardHeader> header;
    Slice data;
  };

  [[nodiscard]] RecordKey key(int shard) const;
  [[nodiscard]] Standing standing() const;
  [[nodiscard]] int in_hand() const;
  // Shards that are absent and not in hand.
  [[nodiscard]] std::vector<int> wanted() const;

  Task<void> ask_holders();
  Task<void> read_held();
  void note_failures(const ShardSource& source);
  Task<void> gather(Reach reach);
  Task<void> fetch(ShardSource& source, int shard);
  Task<Result<Mended>> rebuild(bool too_few);
  Result<void> reconstruct();
  [[nodiscard]] const codec::ShardHeader& reference() const;
  Task<Result<void>> put(int shard);

  Context& context_;
  const StripeRef stripe_;
  const Care care_;
  const std::shared_ptr<const membership::ClusterView> view_;
  const std::uint32_t partition_;
  std::vector<Shard> shards_;
  Permit permit_;
  bool unanswered_ = false;
  bool awaits_leaver_ = false;
  std::uint64_t bytes_ = 0;
};

// Reads a record back from its holder and compares it with what was put. Errors: corrupt (it is
// not the same; it is then quarantined there), those of the holder.
Task<Result<void>> read_back(Context& context, layout::MemberIndex member, RecordKey key,
                             std::vector<Slice> pieces);

}  // namespace mas::object
