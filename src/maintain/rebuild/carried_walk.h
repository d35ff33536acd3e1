// All object records that the present members carry, merged in order of keys: one group for each
// extent or hash.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "maintain/rebuild/pods.h"

namespace mas::maintain::rebuild {

class CarriedWalk {
 public:
  // Those in shards (in order of extent), or those in manifests (in order of hash).
  CarriedWalk(Pods& pods, RecordKind kind);

  // The copies of one extent or hash; empty at the end.
  Task<Result<std::vector<peer::Carried>>> next();
  // 0 to 1, by the first bytes of the id: extents and hashes are spread evenly.
  [[nodiscard]] double progress() const noexcept { return progress_; }

 private:
  struct Source {
    layout::MemberIndex member;
    std::deque<peer::Carried> records;
    std::optional<RecordKey> after;
    bool ended = false;
  };

  Task<Result<void>> fill();
  Task<void> fill_one(Source& source);

  Pods& pods_;
  const RecordKind kind_;
  std::vector<Source> sources_;
  Result<void> failed_;
  double progress_ = 0;
};

// The manifests of one hash that the present members carry.
Task<Result<std::vector<peer::Carried>>> manifests_of(Pods& pods, Hash hash);

}  // namespace mas::maintain::rebuild
