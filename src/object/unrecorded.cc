#include "object/unrecorded.h"

#include <algorithm>

namespace mas::object {

void UnrecordedBody::stored(const meta::Extent& extent, std::uint64_t number,
                            std::uint64_t version) {
  std::lock_guard lock(mutex_);
  Stored& mine = extents_[extent.id];
  // Stripes end in any order; the extent is as long as the last of them says.
  if (mine.extent.length < extent.length) mine.extent = extent;
  if (mine.stripes.size() <= number) mine.stripes.resize(number + 1);
  mine.stripes[number] = true;
  mine.version = std::min(mine.version, version);
}

std::uint64_t UnrecordedBody::in_place_under() const {
  std::lock_guard lock(mutex_);
  std::uint64_t lowest = UINT64_MAX;
  for (const auto& [id, stored] : extents_) lowest = std::min(lowest, stored.version);
  return lowest;
}

std::vector<StripeRef> UnrecordedBody::behind(std::uint64_t version) const {
  std::lock_guard lock(mutex_);
  std::vector<StripeRef> stripes;
  for (const auto& [id, stored] : extents_) {
    if (stored.version >= version) continue;
    for (std::size_t number = 0; number < stored.stripes.size(); ++number) {
      if (stored.stripes[number]) stripes.push_back({stored.extent, number});
    }
    break;
  }
  return stripes;
}

void UnrecordedBody::found_in_place(const Id128& extent, std::uint64_t version) {
  std::lock_guard lock(mutex_);
  auto at = extents_.find(extent);
  if (at != extents_.end()) at->second.version = std::max(at->second.version, version);
}

std::shared_ptr<UnrecordedBody> Unrecorded::open() {
  auto body = std::make_shared<UnrecordedBody>();
  std::lock_guard lock(mutex_);
  std::erase_if(bodies_, [](const auto& other) { return other.expired(); });
  bodies_.push_back(body);
  return body;
}

std::vector<std::shared_ptr<UnrecordedBody>> Unrecorded::behind(std::uint64_t version) {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<UnrecordedBody>> found;
  for (const auto& other : bodies_) {
    auto body = other.lock();
    if (body && body->in_place_under() < version) found.push_back(std::move(body));
  }
  return found;
}

}  // namespace mas::object
