// Pure arithmetic of where stripes go and how many of their shards make them stored.
#pragma once

#include <cstdint>

#include "mas/config/config.h"
#include "mas/layout/layout.h"
#include "mas/meta/records.h"
#include "mas/object/repair.h"

namespace mas::object {

// The profile of new extents: the configured one, or the one that fits the number of members.
[[nodiscard]] Profile write_profile(const config::Object& options, const layout::Layout& layout);

// m + 1 plain copies: how small stripes and manifests survive the losses that `profile` survives.
[[nodiscard]] Profile copies_of(const Profile& profile);

// Durable shards without which a stripe is not stored: k + `min_survives` (config::Write), but
// never more than k + m - 1, so that one pod down stops nothing, nor less than k.
[[nodiscard]] int write_minimum(const Profile& profile, std::uint32_t min_survives);

// How durable a whole is: the worst stripe decides.
struct Durability {
  int durable = 0;
  int meant = 0;
  int survives = 0;  // may be negative: beyond repair

  [[nodiscard]] static Durability of(const Profile& profile, int durable);
  // The worse of the two.
  [[nodiscard]] static Durability worst(const Durability& a, const Durability& b);
};

}  // namespace mas::object
