#include "maintain/walk.h"

#include <algorithm>

#include "maintain/slices.h"

namespace mas::maintain {
namespace {

constexpr std::uint32_t kObjects = 32;
constexpr std::uint32_t kUploads = 16;
constexpr std::uint32_t kParts = 1000;

// The id before the first of a slice.
std::optional<Id128> before(std::size_t slice) {
  if (slice == 0) return std::nullopt;
  Id128 id;
  id.bytes.fill(0xff);
  id.bytes[0] = static_cast<std::uint8_t>(slice - 1);
  return id;
}

// Of extents that belong to no part yet, what their writer says is durable: the rest is not written
// yet, and not lost.
void add_durable(const meta::Upload& upload, std::vector<meta::Extent>& extents) {
  for (const meta::Registered& one : upload.registered) {
    if (one.durable == 0) continue;
    meta::Extent& extent = extents.emplace_back(one.extent);
    extent.length = std::min(extent.length, one.durable);
  }
}

}  // namespace

double Walk::progress() const {
  std::size_t total = slices_.count();
  if (total == 0) return 1;
  std::size_t done = 0;
  for (std::size_t slice = 0; slice < slice_; ++slice) done += slices_[slice] ? 1 : 0;
  return static_cast<double>(done) / static_cast<double>(total);
}

Task<Result<std::optional<WalkBatch>>> Walk::next() {
  for (;;) {
    bool full = batch_.stripes.size() == object::kMostInspected ||
                batch_.manifests.size() >= object::kMostInspected - kObjects;
    bool ended = entries_.empty() && slice_ == kSlices;
    if (full || ended) {
      bool empty = batch_.stripes.empty() && batch_.manifests.empty();
      if (empty) co_return std::optional<WalkBatch>();
      WalkBatch done = std::move(batch_);
      batch_ = {};
      co_return std::optional<WalkBatch>(std::move(done));
    }
    if (!entries_.empty()) {
      take_stripes();
    } else {
      MAS_CO_CHECK(co_await load());
    }
  }
}

void Walk::take_stripes() {
  Entry& entry = entries_.front();
  while (batch_.stripes.size() < object::kMostInspected) {
    if (extent_ == entry.extents.size()) {
      entries_.pop_front();
      extent_ = 0;
      stripe_ = 0;
      return;
    }
    const meta::Extent& extent = entry.extents[extent_];
    if (stripe_ >= object::stripe_count(extent)) {
      ++extent_;
      stripe_ = 0;
      continue;
    }
    batch_.stripes.push_back({extent, stripe_++});
    batch_.subjects.push_back(entry.subject);
  }
}

Task<Result<void>> Walk::load() {
  if (!slices_[slice_]) {
    ++slice_;
    co_return Result<void>();
  }
  if (!objects_done_ && contents_ != Contents::uploads) co_return co_await load_objects();
  if (!objects_done_) end_objects();
  if (contents_ != Contents::objects) co_return co_await load_uploads();
  end_slice();
  co_return Result<void>();
}

Task<Result<void>> Walk::load_objects() {
  meta::ListQuery query;
  query.after = after_object_;
  query.hex_prefix = prefix_of(slice_);
  query.limit = kObjects;
  query.include_condemned = true;
  MAS_CO_TRY(meta::ObjectPage page, co_await meta_.list(query));
  for (meta::Object& object : page.objects) {
    batch_.manifests.push_back(object);
    // Enough to tell an object of one stripe from others.
    auto& kept = batch_.manifests.back().extents;
    if (kept.size() > 2) kept.resize(2);
    if (object.state != meta::ObjectState::live) continue;
    auto subject = std::make_shared<Subject>();
    subject->slice = slice_;
    std::vector<meta::Extent> extents = std::move(object.extents);
    object.extents.clear();
    subject->object = std::move(object);
    entries_.push_back({std::move(subject), std::move(extents)});
  }
  after_object_ = page.next;
  if (!page.next) end_objects();
  co_return Result<void>();
}

void Walk::end_objects() {
  objects_done_ = true;
  after_upload_ = before(slice_);
}

Task<Result<void>> Walk::load_uploads() {
  MAS_CO_TRY(std::vector<meta::Upload> page, co_await meta_.uploads(after_upload_, kUploads));
  bool more = page.size() == kUploads;
  for (const meta::Upload& upload : page) {
    if (upload.id.bytes[0] != slice_) {
      more = false;
      break;
    }
    MAS_CO_TRY(std::vector<meta::Extent> extents, co_await extents_of(upload.id));
    add_durable(upload, extents);
    auto subject = std::make_shared<Subject>();
    subject->slice = slice_;
    entries_.push_back({std::move(subject), std::move(extents)});
    after_upload_ = upload.id;
  }
  if (!more) end_slice();
  co_return Result<void>();
}

void Walk::end_slice() {
  ++slice_;
  objects_done_ = false;
  after_object_.reset();
}

Task<Result<std::vector<meta::Extent>>> Walk::extents_of(Id128 upload) {
  std::vector<meta::Extent> extents;
  std::uint32_t after = 0;
  for (;;) {
    MAS_CO_TRY(std::vector<meta::Part> page, co_await meta_.parts(upload, after, kParts));
    for (const meta::Part& part : page) {
      extents.insert(extents.end(), part.extents.begin(), part.extents.end());
    }
    if (page.size() < kParts) co_return extents;
    after = page.back().number;
  }
}

}  // namespace mas::maintain
