#include "mas/core/xxh3.h"

#include <xxhash.h>
#if defined(__x86_64__)
#include <immintrin.h>
// Chooses AVX2 or AVX-512 at run time.
#include <xxh_x86dispatch.h>
#endif

#include <algorithm>

#include "mas/core/result.h"

namespace mas {
namespace {

// The distribution's libxxhash returns from its AVX code with the upper halves of the vector
// registers in use (no vzeroupper). Until something clears them, every SSE instruction of the
// thread pays for merging with them: measured, Jerasure runs at a third of its speed. So every call
// of the library is followed by this.
#if defined(__x86_64__)
[[gnu::target("avx"), gnu::noinline]] void zero_upper_halves() { _mm256_zeroupper(); }

void clear_vector_state() {
  if (__builtin_cpu_supports("avx")) zero_upper_halves();
}
#else
void clear_vector_state() {}
#endif

Sum128 canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  Sum128 sum;
  static_assert(sizeof(bytes.digest) == sizeof(sum.bytes));
  std::copy(std::begin(bytes.digest), std::end(bytes.digest), sum.bytes.begin());
  return sum;
}

}  // namespace

std::uint64_t xxh3_64(ByteView bytes, std::uint64_t seed) {
  XXH64_hash_t hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
  clear_vector_state();
  return hash;
}

Sum128 xxh3_128(ByteView bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  clear_vector_state();
  return canonical(hash);
}

Sum128 xxh3_128(std::span<const Slice> pieces) {
  if (pieces.size() == 1) return xxh3_128(pieces.front().view());
  Xxh3 sum;
  for (const Slice& piece : pieces) sum.update(piece.view());
  return sum.digest();
}

// The library allocates its state: it wants more alignment than new gives.
struct Xxh3::State {
  State() { MAS_ASSERT(xxh != nullptr && XXH3_128bits_reset(xxh) == XXH_OK); }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  XXH3_state_t* xxh = XXH3_createState();
};

Xxh3::Xxh3() : state_(std::make_unique<State>()) {}
Xxh3::~Xxh3() = default;
Xxh3::Xxh3(Xxh3&&) noexcept = default;
Xxh3& Xxh3::operator=(Xxh3&&) noexcept = default;

void Xxh3::update(ByteView bytes) {
  if (bytes.empty()) return;
  MAS_ASSERT(XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size()) == XXH_OK);
  clear_vector_state();
}

Sum128 Xxh3::digest() const {
  XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh);
  clear_vector_state();
  return canonical(hash);
}

}  // namespace mas
