#include "object/placement.h"

#include <algorithm>

#include "mas/core/result.h"

namespace mas::object {

Profile write_profile(const config::Object& options, const layout::Layout& layout) {
  // "auto" and anything the configuration's own check let through.
  if (auto fixed = Profile::parse(options.erasure)) return *fixed;
  return layout::profile_for(layout.active_count());
}

Profile copies_of(const Profile& profile) { return {1, profile.m}; }

int write_minimum(const Profile& profile, std::uint32_t min_survives) {
  int spare = std::max(profile.m - 1, 0);
  return profile.k + static_cast<int>(std::min<std::uint32_t>(min_survives, spare));
}

std::uint64_t stripe_count(const meta::Extent& extent) {
  if (extent.stripe_size == 0) return 0;
  return (extent.length + extent.stripe_size - 1) / extent.stripe_size;
}

bool has_one_stripe(const meta::Object& object) {
  return object.extents.size() == 1 && stripe_count(object.extents[0]) == 1;
}

std::uint32_t stripe_length(const meta::Extent& extent, std::uint64_t number) {
  std::uint64_t start = number * extent.stripe_size;
  MAS_ASSERT(start < extent.length);
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(extent.stripe_size, extent.length - start));
}

Durability Durability::of(const Profile& profile, int durable) {
  return {durable, profile.width(), durable - profile.k};
}

Durability Durability::worst(const Durability& a, const Durability& b) {
  if (a.survives != b.survives) return a.survives < b.survives ? a : b;
  return a.meant - a.durable >= b.meant - b.durable ? a : b;
}

}  // namespace mas::object
