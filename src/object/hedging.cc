#include "object/hedging.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace mas::object {
namespace {

constexpr Duration kWindow = std::chrono::seconds(10);
// Calls without which nothing can be said.
constexpr std::uint32_t kEnough = 20;
// Calls after which the percentile is found anew.
constexpr std::uint32_t kOften = 64;

}  // namespace

void Hedging::note(Duration taken) {
  auto micros = std::max<std::int64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(taken).count(), 1);
  // ceil(2 * log2), by whole and half powers.
  auto value = static_cast<std::uint64_t>(micros);
  std::size_t whole = std::bit_width(value) - 1;
  std::size_t bucket = 2 * whole + (value * value > std::uint64_t{1} << (2 * whole) ? 1 : 0) +
                       (value * value > std::uint64_t{1} << (2 * whole + 1) ? 1 : 0);
  const Instant now = clock_.now();
  std::lock_guard lock(mutex_);
  roll(now);
  ++present_[std::min(bucket, kBuckets - 1)];
  tenths_ = std::min(tenths_ + 1, 10 * kSaved);
  if (++since_ >= kOften || percentile_ == Duration(0)) find_percentile();
}

Duration Hedging::delay() {
  if (options_.hedge_max == Duration(0)) return {};
  std::lock_guard lock(mutex_);
  if (percentile_ == Duration(0)) return options_.hedge_max;
  return std::min(std::max(percentile_, options_.hedge_min), options_.hedge_max);
}

bool Hedging::take(std::size_t calls) {
  std::lock_guard lock(mutex_);
  if (tenths_ < 10 * calls) return false;
  tenths_ -= static_cast<std::uint32_t>(10 * calls);
  return true;
}

void Hedging::roll(Instant now) {
  Duration passed = now - began_;
  if (passed < kWindow) return;
  // Windows that ended long ago say nothing of now.
  last_ = passed < 2 * kWindow ? present_ : Counts{};
  present_ = Counts{};
  began_ = now;
  find_percentile();
}

void Hedging::find_percentile() {
  since_ = 0;
  std::uint32_t count = std::accumulate(present_.begin(), present_.end(), std::uint32_t{0});
  count = std::accumulate(last_.begin(), last_.end(), count);
  percentile_ = Duration(0);
  if (count < kEnough) return;
  std::uint32_t above = count / 20;
  std::uint32_t seen = 0;
  for (std::size_t bucket = kBuckets; bucket-- > 0;) {
    seen += present_[bucket] + last_[bucket];
    if (seen <= above) continue;
    auto micros = std::exp2(static_cast<double>(bucket) / 2);
    percentile_ = std::chrono::microseconds(std::llround(micros));
    return;
  }
}

}  // namespace mas::object
