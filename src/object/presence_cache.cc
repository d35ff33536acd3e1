#include "object/presence_cache.h"

#include <algorithm>

#include "mas/runtime/contain.h"
#include "object/context.h"

namespace mas::object {
namespace {

Task<Result<Presence::Verdict>> verdict_of(Context& context, meta::Object object) {
  Presence presence = co_await check_presence(context, std::move(object), LookUntil::lack);
  co_return presence.verdict;
}

}  // namespace

Task<Presence::Verdict> PresenceCache::ask(meta::Object object) {
  bool mine = false;
  std::shared_ptr<Look> look = enter(object, mine);
  if (look && !mine) {
    co_await look->done.wait();
    std::lock_guard lock(mutex_);
    co_return look->verdict;
  }
  const Instant began = context_.deps.clock.now();
  auto looking = contain(verdict_of(context_, std::move(object)), "presence");
  Result<Presence::Verdict> found = co_await std::move(looking);
  const Presence::Verdict verdict = found.has_value() ? *found : Presence::Verdict::unknown;
  if (!look) co_return verdict;
  {
    std::lock_guard lock(mutex_);
    const Instant now = context_.deps.clock.now();
    look->verdict = verdict;
    look->until = now + std::max(kRemembered, now - began);
    look->ended = true;
  }
  look->done.set();
  co_return verdict;
}

std::shared_ptr<PresenceCache::Look> PresenceCache::enter(const meta::Object& object, bool& mine) {
  std::lock_guard lock(mutex_);
  const Instant now = context_.deps.clock.now();
  auto at = looks_.find(object.hash);
  if (at != looks_.end()) {
    const Look& known = *at->second;
    bool fresh = known.generation == object.generation && (!known.ended || now < known.until);
    if (fresh) return at->second;
    looks_.erase(at);
  }
  make_room(now);
  if (looks_.size() >= kMost) return nullptr;
  mine = true;
  auto look = std::make_shared<Look>();
  look->generation = object.generation;
  looks_[object.hash] = look;
  return look;
}

void PresenceCache::make_room(Instant now) {
  if (looks_.size() < kMost) return;
  std::erase_if(
      looks_, [&](const auto& entry) { return entry.second->ended && now >= entry.second->until; });
  if (looks_.size() < kMost) return;
  auto ended = [](const auto& entry) { return entry.second->ended; };
  auto any = std::find_if(looks_.begin(), looks_.end(), ended);
  if (any != looks_.end()) looks_.erase(any);
}

}  // namespace mas::object
