#include "store/sum.h"

#include <xxh_x86dispatch.h>

#include <cstring>

#include "mas/core/result.h"
#include "mas/core/vector_state.h"

namespace mas::store {
namespace {

Sum128 canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  Sum128 sum;
  std::memcpy(sum.bytes.data(), bytes.digest, sum.bytes.size());
  return sum;
}

}  // namespace

RunningSum::RunningSum() : state_(XXH3_createState()) {
  MAS_ASSERT(state_ != nullptr);
  XXH3_128bits_reset(static_cast<XXH3_state_t*>(state_));
}
RunningSum::~RunningSum() { XXH3_freeState(static_cast<XXH3_state_t*>(state_)); }
void RunningSum::update(ByteView bytes) {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state_), bytes.data(), bytes.size());
  clear_vector_state();
}
Sum128 RunningSum::digest() const {
  XXH128_hash_t hash = XXH3_128bits_digest(static_cast<const XXH3_state_t*>(state_));
  clear_vector_state();
  return canonical(hash);
}

Sum128 sum128(std::span<const Slice> pieces) {
  if (pieces.size() == 1) return sum128(pieces.front().view());
  RunningSum sum;
  for (const Slice& piece : pieces) sum.update(piece.view());
  return sum.digest();
}

Sum128 sum128(ByteView bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  clear_vector_state();
  return canonical(hash);
}

std::uint64_t sum64(ByteView bytes, std::uint64_t seed) {
  std::uint64_t hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
  clear_vector_state();
  return hash;
}

}  // namespace mas::store
