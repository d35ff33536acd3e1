// The shards of one stripe as a reader sees them: where each may be, its header once read, and what
// went wrong. Wrong bytes are quarantined where they were found and count as missing.
#pragma once

#include <memory>
#include <vector>

#include "mas/codec/stripe.h"
#include "mas/object/holders.h"
#include "mas/peer/recall.h"
#include "object/context.h"

namespace mas::object {

// Which members a reader asks: those where the shards should be, or in the end everybody.
struct Search {
  std::shared_ptr<const membership::ClusterView> view;
  Reach reach = Reach::previous;
  bool report = true;  // hands what is missing or wrong to the repair queue
};

// Whether an error says something of the shard and not only of the pod that was asked.
[[nodiscard]] bool is_fault_of_shard(Code code);

// Used by one task at a time for each shard.
class ShardSource {
 public:
  ShardSource(Context& context, const meta::Extent& extent, std::uint64_t number, Search search);

  // Header of `shard`; read on first use, together with the `ahead` bytes behind it. Errors:
  // not_found (nobody has it), closed (somebody did not answer). A shard that failed stays failed.
  // Here and below: `recall` takes back what is asked of others; may be null.
  Task<Result<const codec::ShardHeader*>> header(int shard, std::uint32_t ahead,
                                                 std::shared_ptr<peer::Recall> recall = nullptr);
  // Bytes [offset, offset + length) of the shard's data, not verified. After header() of it only.
  Task<Result<Slice>> data(int shard, std::uint64_t offset, std::uint32_t length,
                           std::shared_ptr<peer::Recall> recall = nullptr);
  // What data() gave cannot be used: header() turns to the next holder, if there is one. Wrong
  // bytes (corrupt, decompress) are quarantined where they were.
  Task<void> reject(int shard, Error error);

  [[nodiscard]] const Profile& profile() const noexcept { return extent_.profile; }
  // Shard numbers in the order in which to try them: this pod's own, those of its zone, the others,
  // then those whose holder is down or skipped.
  [[nodiscard]] const std::vector<int>& preferred() const noexcept { return order_; }
  // The first bytes of this shard as this pod reads them come from its own store.
  [[nodiscard]] bool is_own(int shard) const { return rank(shard) == Rank::own; }
  // Its holder is down or skipped: to be asked last.
  [[nodiscard]] bool is_set_aside(int shard) const { return rank(shard) == Rank::set_aside; }
  // Whom the shard is being asked of; nullopt: nobody is left.
  [[nodiscard]] std::optional<layout::MemberIndex> holder(int shard) const;

  // For tasks that may meet at one shard: between the two it is this task's.
  Task<void> lock(int shard);
  void unlock(int shard);
  [[nodiscard]] bool is_locked(int shard) const {
    return shards_[static_cast<std::size_t>(shard)].locked;
  }
  [[nodiscard]] std::size_t members() const { return search_.view->layout.members.size(); }
  // The header that header() has read; nullptr if it has not.
  [[nodiscard]] const codec::ShardHeader* known_header(int shard) const {
    return shards_[static_cast<std::size_t>(shard)].header.get();
  }
  // A holder did not answer, so what is missing may yet come back.
  [[nodiscard]] bool unanswered() const noexcept { return unanswered_ || awaits_leaver_; }
  // The same of holders who have not left.
  [[nodiscard]] bool member_unanswered() const noexcept { return unanswered_; }
  // Somebody who has left and was not given up did not answer.
  [[nodiscard]] bool awaits_leaver() const noexcept { return awaits_leaver_; }
  // Somebody was not asked who should have been: what is missing may be there.
  void note_unanswered() noexcept { unanswered_ = true; }
  // Why the first holder of `shard` could not give it; nullopt if it did, or was not asked.
  [[nodiscard]] std::optional<Code> holder_failed(int shard) const {
    return shards_[static_cast<std::size_t>(shard)].holder_failed;
  }

 private:
  enum class Rank : std::uint8_t { own, zone, other, set_aside };
  struct Shard {
    std::vector<layout::MemberIndex> holders;  // to be asked, in order
    std::size_t asked = 0;                     // index of the current one
    std::unique_ptr<codec::ShardHeader> header;
    std::optional<Code> holder_failed;
    Slice front;  // the record's first bytes, as far as they were read
    Rank rank = Rank::other;
    bool locked = false;
    std::unique_ptr<Event> unlocked;  // made by the first who waits
  };

  [[nodiscard]] RecordKey key(int shard) const;
  [[nodiscard]] Rank rank(int shard) const { return shards_[static_cast<std::size_t>(shard)].rank; }
  [[nodiscard]] Rank rank_of(const Shard& shard) const;
  Task<Result<void>> open(int shard, std::uint32_t ahead,
                          const std::shared_ptr<peer::Recall>& recall);
  void note_silence(layout::MemberIndex member);
  Result<codec::ShardHeader> parse(int shard, ByteView bytes) const;

  Context& context_;
  const meta::Extent extent_;
  const std::uint64_t number_;
  const Search search_;
  std::vector<Shard> shards_;
  std::vector<int> order_;
  bool unanswered_ = false;
  bool awaits_leaver_ = false;
};

}  // namespace mas::object
