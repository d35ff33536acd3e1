#include <xxhash.h>
#if defined(__x86_64__)
// Chooses AVX2 or AVX-512 at run time; more than twice as fast as the plain library functions.
#include <xxh_x86dispatch.h>
#endif

#include "codec/sum64.h"
#include "mas/codec/hash.h"
#include "mas/core/result.h"
#include "mas/core/vector_state.h"

namespace mas::codec {
namespace {

Sum128 canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  Sum128 sum;
  static_assert(sizeof(bytes.digest) == sizeof(sum.bytes));
  std::copy(std::begin(bytes.digest), std::end(bytes.digest), sum.bytes.begin());
  return sum;
}

}  // namespace

Sum128 xxh3(ByteView bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  clear_vector_state();
  return canonical(hash);
}

std::uint64_t sum64(ByteView bytes) {
  XXH64_hash_t hash = XXH3_64bits(bytes.data(), bytes.size());
  clear_vector_state();
  return hash;
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

Sum128 Xxh3::digest() const { return canonical(XXH3_128bits_digest(state_->xxh)); }

}  // namespace mas::codec
