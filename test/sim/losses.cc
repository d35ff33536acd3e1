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

// What holders were asked for before may have been remembered for a moment.
Instant Losses::known_until(Instant asked) const {
  constexpr Duration kRemembered = std::chrono::seconds(3);
  const Duration waited = world_.now() - asked;
  return world_.now() + -std::min(waited + kRemembered, kInFlight);
}

// Pods of which a receipt does not know that counts what was lost before `since`.
std::size_t Losses::lost_since(Instant since) const {
  std::set<std::size_t> pods;
  for (const Event& event : events_) {
    if (!event.away && (event.hidden || event.at >= since)) pods.insert(event.pod);
  }
  return pods.size();
}

std::size_t Losses::unknown_to_receipt(Instant asked) const {
  const Instant since = known_until(asked);
  std::set<std::size_t> pods;
  for (const Event& event : events_) {
    // What nobody knew of may have been found out, and is not shown any more, since it was counted.
    if (event.hidden || event.at >= since) pods.insert(event.pod);
  }
  return pods.size();
}

bool Losses::may_not_know(const Id128& extent, Instant asked) const {
  const auto found = lost_.find(extent);
  return found != lost_.end() && found->second >= known_until(asked);
}

bool Losses::any_hidden() const {
  return std::any_of(events_.begin(), events_.end(),
                     [](const Event& event) { return event.hidden; });
}

bool Losses::any_hidden(std::size_t pod) const {
  return std::any_of(events_.begin(), events_.end(),
                     [pod](const Event& event) { return event.hidden && event.pod == pod; });
}

void Losses::promise(const meta::Object& object, int survives, Instant asked) {
  if (object.extents.empty()) return;
  std::vector<Promise>& promises = promises_[object.extents.front().id];
  Promise promise{known_until(asked), survives, false};
  promise.exceeded = lost_since(promise.since) > static_cast<std::size_t>(survives);
  promises.push_back(promise);
}

void Losses::note(std::size_t pod, Event event) {
  world_.note(event.away ? "data away" : "data lost", pod);
  events_.push_back(event);
  open_.insert(pod);
  most_ = std::max(most_, open_.size());
  last_ = world_.now();
}

void Losses::away(std::size_t pod) {
  note(pod, {pod, world_.now(), false, true});
  away_.insert(pod);
}

void Losses::add(std::size_t pod, LossKind kind) {
  note(pod, {pod, world_.now(), kind == LossKind::hidden, false});
  ever_.insert(pod);
  for (auto& [extent, promises] : promises_) exceed(promises);
}

void Losses::add_below(std::size_t pod, const std::set<Id128>& firsts) {
  if (firsts.empty()) return;
  note(pod, {pod, world_.now(), false, false});
  ever_.insert(pod);
  for (const Id128& first : firsts) {
    const auto found = promises_.find(first);
    if (found != promises_.end()) exceed(found->second);
  }
}

void Losses::exceed(std::vector<Promise>& promises) const {
  for (Promise& promise : promises) {
    const auto survives = static_cast<std::size_t>(promise.survives);
    promise.exceeded |= lost_since(promise.since) > survives;
  }
}

void Losses::lose_for_good(const std::vector<meta::Extent>& extents) {
  for (const meta::Extent& extent : extents) lost_.try_emplace(extent.id, world_.now());
}

bool Losses::seen_whole(const std::vector<meta::Object>& objects,
                        const std::vector<Id128>& lost_of_uploads, Instant begun) {
  if (last_ >= begun && !open_.empty()) return false;
  lost_of_uploads_.insert(lost_of_uploads.begin(), lost_of_uploads.end());
  open_.clear();
  away_.clear();
  events_.clear();
  for (const meta::Object& object : objects) {
    if (object.extents.empty() || is_excused(object)) continue;
    promises_[object.extents.front().id] = {Promise{begun, margin_of(object), false}};
  }
  return true;
}

bool Losses::is_lost_for_good(const meta::Object& object) const {
  return std::any_of(object.extents.begin(), object.extents.end(),
                     [this](const meta::Extent& extent) { return is_lost_for_good(extent.id); });
}

bool Losses::is_excused(const meta::Object& object) const {
  if (object.extents.empty()) return false;
  if (is_lost_for_good(object)) return true;
  const auto found = promises_.find(object.extents.front().id);
  if (found == promises_.end()) return static_cast<std::size_t>(least_of(object)) < most_;
  return std::all_of(found->second.begin(), found->second.end(),
                     [](const Promise& promise) { return promise.exceeded; });
}

}  // namespace mas::sim
