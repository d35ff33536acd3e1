// The distribution's libxxhash returns from its AVX code with the upper halves of the vector
// registers in use (no vzeroupper). Until something clears them, every SSE instruction of the
// thread pays for merging with them: measured, Jerasure runs at a third of its speed. So whoever
// calls the dispatching functions clears them afterwards.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mas {

#if defined(__x86_64__)
[[gnu::target("avx"), gnu::noinline]] inline void zero_upper_halves() { _mm256_zeroupper(); }

inline void clear_vector_state() {
  if (__builtin_cpu_supports("avx")) zero_upper_halves();
}
#else
inline void clear_vector_state() {}
#endif

}  // namespace mas
