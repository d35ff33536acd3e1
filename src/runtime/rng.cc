#include "mas/runtime/rng.h"

#include <sys/random.h>

#include <array>
#include <bit>
#include <cstring>
#include <mutex>

#include "mas/core/result.h"

namespace mas {
namespace {

class SystemRng final : public Rng {
 public:
  void fill(MutableBytes out) override {
    while (!out.empty()) {
      ssize_t got = getrandom(out.data(), out.size(), 0);
      if (got < 0) {
        MAS_ASSERT(errno == EINTR);
        continue;
      }
      out = out.subspan(static_cast<std::size_t>(got));
    }
  }
};

// xoshiro256** 1.0 by Blackman and Vigna (public domain algorithm), seeded by splitmix64.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }
  void fill(MutableBytes out) override {
    std::lock_guard lock(mutex_);
    while (!out.empty()) {
      std::uint64_t word = step();
      std::size_t size = std::min(out.size(), sizeof(word));
      std::memcpy(out.data(), &word, size);
      out = out.subspan(size);
    }
  }

 private:
  std::uint64_t step() {
    std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  std::mutex mutex_;
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace

std::uint64_t Rng::u64() {
  std::uint64_t value = 0;
  fill({reinterpret_cast<std::uint8_t*>(&value), sizeof(value)});
  return value;
}

Id128 Rng::id() {
  Id128 id;
  fill(id.bytes);
  return id;
}

std::unique_ptr<Rng> make_system_rng() { return std::make_unique<SystemRng>(); }

std::unique_ptr<Rng> make_seeded_rng(std::uint64_t seed) {
  return std::make_unique<SeededRng>(seed);
}

}  // namespace mas
