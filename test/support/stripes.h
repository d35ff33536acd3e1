// Where the shards of an object lie in an ObjectRig, and everything its stores hold.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mas/object/holders.h"
#include "mas/object/repair.h"
#include "support/object_rig.h"

namespace mas::test {

// The records of each pod.
using Contents = std::vector<std::map<RecordKey, std::string>>;

inline Contents contents_of(ObjectRig& rig, std::size_t pods) {
  Contents all(pods);
  for (std::size_t pod = 0; pod < pods; ++pod) {
    for (const RecordKey& key : rig.store(pod).keys()) {
      all[pod][key] = std::string(as_text(rig.store(pod).payload(key)->view()));
    }
  }
  return all;
}

inline std::vector<object::StripeRef> stripes_of(const std::vector<meta::Extent>& extents) {
  std::vector<object::StripeRef> stripes;
  for (const meta::Extent& extent : extents) {
    for (std::uint64_t at = 0; at * extent.stripe_size < extent.length; ++at) {
      stripes.push_back({extent, at});
    }
  }
  return stripes;
}
inline std::vector<object::StripeRef> stripes_of(const meta::Object& object) {
  return stripes_of(object.extents);
}

inline RecordKey key_of(const object::StripeRef& stripe, int shard) {
  return RecordKey::shard(stripe.extent.id, stripe.number, static_cast<std::uint16_t>(shard));
}
inline std::size_t holder_of(ObjectRig& rig, const object::StripeRef& stripe, int shard) {
  auto view = rig.board().current();
  return *object::row_holder(view->layout, layout::partition_of(stripe.extent.id, stripe.number),
                             static_cast<std::size_t>(shard));
}
// Takes a shard from its holder.
inline bool lose(ObjectRig& rig, const object::StripeRef& stripe, int shard) {
  return rig.store(holder_of(rig, stripe, shard)).lose(key_of(stripe, shard));
}
inline void lose_manifests(ObjectRig& rig, std::size_t pods) {
  for (std::size_t pod = 0; pod < pods; ++pod) {
    for (const RecordKey& key : rig.store(pod).keys()) {
      if (key.kind == RecordKind::manifest) rig.store(pod).lose(key);
    }
  }
}

}  // namespace mas::test
