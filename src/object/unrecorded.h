// What bodies on their way have stored that no record shows yet. Extents are registered before
// their first shard and become part of something when the body has ended, which may be days later;
// no walk over the metadata sees their stripes until then. So the pod that writes them answers for
// them itself: it acknowledges a layout only when each of them was stored under it, or was found in
// place under it (carry_over.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "mas/object/repair.h"

namespace mas::object {

// The stripes of one body, from the first until a record shows them or they are given up.
// Thread-safe.
class UnrecordedBody {
 public:
  // Stripe `number` is stored, written under layout `version`. `extent` is as long as it is by now.
  void stored(const meta::Extent& extent, std::uint64_t number, std::uint64_t version);
  // The lowest version that any of its stripes is known to be in place under; UINT64_MAX without
  // stripes.
  [[nodiscard]] std::uint64_t in_place_under() const;
  // The stored stripes of one extent, one of which is not known to be in place under `version`.
  // Empty: there is none.
  [[nodiscard]] std::vector<StripeRef> behind(std::uint64_t version) const;
  // All that behind(version) gave of `extent` is in place under `version`; no stripe that was
  // written under an older one may have been stored since.
  void found_in_place(const Id128& extent, std::uint64_t version);

 private:
  struct Stored {
    meta::Extent extent;
    std::vector<bool> stripes;
    std::uint64_t version = UINT64_MAX;  // the lowest of them
  };

  mutable std::mutex mutex_;
  std::map<Id128, Stored> extents_;
};

// All of them. Thread-safe.
class Unrecorded {
 public:
  // It counts for as long as somebody holds it.
  [[nodiscard]] std::shared_ptr<UnrecordedBody> open();
  [[nodiscard]] std::vector<std::shared_ptr<UnrecordedBody>> behind(std::uint64_t version);

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<UnrecordedBody>> bodies_;
};

}  // namespace mas::object
