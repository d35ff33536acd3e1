#include "mas/layout/layout.h"

#include <array>
#include <cstring>

#include "mas/core/xxh3.h"

namespace mas::layout {

std::uint32_t partition_of(const Id128& extent, std::uint64_t stripe) {
  std::array<std::uint8_t, 24> bytes;
  std::memcpy(bytes.data(), extent.bytes.data(), extent.bytes.size());
  std::memcpy(bytes.data() + extent.bytes.size(), &stripe, sizeof(stripe));
  return static_cast<std::uint32_t>(xxh3_64(bytes) % kPartitions);
}

std::uint32_t partition_of(const Hash& hash) {
  return static_cast<std::uint32_t>(xxh3_64(hash.bytes) % kPartitions);
}

Profile profile_for(std::size_t members) {
  switch (members) {
    case 0:
    case 1:
      return {1, 0};
    case 2:
      return {1, 1};
    case 3:
      return {2, 1};
    case 4:
      return {2, 2};
    case 5:
      return {3, 2};
    default:
      return {4, 2};
  }
}

}  // namespace mas::layout
