#include "sim/losses.h"

#include <algorithm>

namespace mas::sim {
namespace {

// As many shards as every stripe may lose when all are there.
int margin_of(const meta::Object& object) {
  int margin = INT32_MAX;
  for (const meta::Extent& extent : object.extents)
    margin = std::min<int>(margin, extent.profile.m);
  return margin;
}

// Of what was published, and nobody was told of: its write minimum.
int least_of(const meta::Object& object) { return margin_of(object) >= 2 ? 1 : 0; }

}  // namespace

void Losses::promise(const meta::Object& object, int survives) {
  if (object.extents.empty()) return;
  Promise& promise = promises_[object.extents.front().id];
  promise.survives = std::max(promise.survives, survives);
  if (static_cast<std::size_t>(promise.survives) < open_.size()) promise.excused = true;
  if (promise.seen_whole) return;
  // Begun before a loss, it may have counted what is gone, and no look has seen it whole since.
  for (const meta::Extent& extent : object.extents) {
    const auto born = born_.find(extent.id);
    const bool before = !ever_.empty() && born != born_.end() && born->second <= last_;
    if (before && open_.empty()) promise.excused = true;
  }
}

void Losses::add(std::size_t pod) {
  world_.note("data lost", pod);
  open_.insert(pod);
  ever_.insert(pod);
  most_ = std::max(most_, open_.size());
  last_ = world_.now();
  for (auto& [extent, promise] : promises_) {
    if (static_cast<std::size_t>(promise.survives) < open_.size()) promise.excused = true;
  }
}

bool Losses::seen_whole(const std::vector<meta::Object>& objects, Instant begun) {
  if (last_ >= begun && !ever_.empty()) return false;
  open_.clear();
  for (const meta::Object& object : objects) {
    if (object.extents.empty() || is_excused(object)) continue;
    Promise& promise = promises_[object.extents.front().id];
    promise.survives = margin_of(object);
    promise.seen_whole = true;
  }
  return true;
}

bool Losses::is_excused(const meta::Object& object) const {
  if (object.extents.empty()) return false;
  const auto found = promises_.find(object.extents.front().id);
  if (found != promises_.end()) return found->second.excused;
  return static_cast<std::size_t>(least_of(object)) < most_;
}

}  // namespace mas::sim
