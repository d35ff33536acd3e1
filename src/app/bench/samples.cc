#include "app/bench/samples.h"

#include <algorithm>
#include <cmath>

namespace mas::app {
namespace {

constexpr double kGrowth = 1.01;

std::size_t bucket_of(Duration latency, std::size_t buckets) {
  double micros = std::chrono::duration<double, std::micro>(latency).count();
  if (micros <= 1) return 0;
  auto index = static_cast<std::size_t>(std::ceil(std::log(micros) / std::log(kGrowth)));
  return std::min(index, buckets - 1);
}

Duration upper_bound_of(std::size_t bucket) {
  double micros = std::pow(kGrowth, static_cast<double>(bucket));
  return Duration(static_cast<std::int64_t>(micros * 1000));
}

}  // namespace

void Samples::add(Duration latency) {
  buckets_[bucket_of(latency, kBuckets)] += 1;
  count_ += 1;
  max_ = std::max(max_, latency);
}

void Samples::merge(const Samples& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

Duration Samples::percentile(double share) const {
  if (count_ == 0) return Duration(0);
  auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  rank = std::clamp<std::uint64_t>(rank, 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(upper_bound_of(i), max_);
  }
  return max_;
}

}  // namespace mas::app
