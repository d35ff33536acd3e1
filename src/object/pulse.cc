#include "object/pulse.h"

#include <algorithm>
#include <cmath>

namespace mas::object {
namespace {

constexpr Duration kWindow = std::chrono::seconds(5);
constexpr std::uint32_t kEnough = 50;
// Below this nobody notices.
constexpr double kLeastMicros = 1000;
constexpr double kForget = 1.02;  // a window

}  // namespace

void Pulse::note(Duration taken) {
  std::lock_guard lock(mutex_);
  roll(clock_.now());
  double micros = std::max(std::chrono::duration<double, std::micro>(taken).count(), 1.0);
  auto bucket = static_cast<std::size_t>(std::ceil(std::log2(micros) * 2));
  ++window_[std::min(bucket, kBuckets - 1)];
  ++count_;
}

double Pulse::strain() {
  std::lock_guard lock(mutex_);
  roll(clock_.now());
  if (present_ == 0) return 1;
  return std::max(present_ / usual_, 1.0);
}

void Pulse::roll(Instant now) {
  Duration passed = now - began_;
  if (passed < kWindow) return;
  // A window that ended long ago says nothing of now.
  present_ = count_ < kEnough || passed > 2 * kWindow ? 0 : percentile_99();
  if (present_ > 0) {
    usual_ = usual_ == 0 ? present_ : std::min(usual_ * kForget, present_);
    usual_ = std::max(usual_, kLeastMicros);
  }
  window_.fill(0);
  count_ = 0;
  began_ = now;
}

double Pulse::percentile_99() const {
  std::uint32_t above = count_ / 100;
  std::uint32_t seen = 0;
  for (std::size_t bucket = kBuckets; bucket-- > 0;) {
    seen += window_[bucket];
    if (seen > above) return std::exp2(static_cast<double>(bucket) / 2);
  }
  return 0;
}

}  // namespace mas::object
