#include "object/extent_reader.h"

#include <algorithm>

#include "object/placement.h"

namespace mas::object {

ExtentReader::ExtentReader(Context& context, std::vector<meta::Extent> extents, std::uint64_t from,
                           std::uint64_t length, std::uint32_t window)
    : context_(context),
      extents_(std::move(extents)),
      position_(from),
      end_(from + length),
      window_(window),
      search_{context.deps.view.current()} {}

void ExtentReader::retry_everywhere(std::vector<meta::Extent> extents) {
  extents_ = std::move(extents);
  extent_ = 0;
  extent_start_ = 0;
  stripe_.reset();
  search_ = {context_.deps.view.current(), Reach::everybody};
}

void ExtentReader::go_back(std::uint64_t position, std::uint32_t window) {
  MAS_ASSERT(position <= position_);
  position_ = position;
  window_ = window;
  stripe_.reset();
  if (position_ >= extent_start_) return;
  extent_ = 0;
  extent_start_ = 0;
}

// Makes `stripe_` the one that holds `position_`.
Result<void> ExtentReader::seek() {
  if (stripe_ && position_ < stripe_start_ + stripe_size_) return {};
  while (extent_ < extents_.size() && position_ >= extent_start_ + extents_[extent_].length) {
    extent_start_ += extents_[extent_].length;
    ++extent_;
  }
  if (extent_ == extents_.size() || extents_[extent_].stripe_size == 0) {
    return Error(Code::damaged, "This file's record does not cover all of its bytes.");
  }
  const meta::Extent& extent = extents_[extent_];
  std::uint64_t number = (position_ - extent_start_) / extent.stripe_size;
  stripe_ = std::make_unique<UnitReader>(context_, extent, number, search_);
  stripe_start_ = extent_start_ + number * extent.stripe_size;
  stripe_size_ = stripe_length(extent, number);
  return {};
}

Task<Result<Slice>> ExtentReader::next() {
  if (position_ == end_) co_return Slice();
  MAS_CO_CHECK(seek());
  auto offset = static_cast<std::uint32_t>(position_ - stripe_start_);
  std::uint64_t until = std::min<std::uint64_t>(stripe_size_, end_ - stripe_start_);
  until = std::min<std::uint64_t>(until, std::uint64_t{offset} + window_);
  MAS_CO_TRY(UnitReader::Unit unit,
             co_await stripe_->unit_at(offset, static_cast<std::uint32_t>(until)));
  std::size_t skip = offset - unit.start;
  std::size_t take =
      static_cast<std::size_t>(std::min<std::uint64_t>(unit.bytes.size() - skip, end_ - position_));
  position_ += take;
  if (position_ == stripe_start_ + stripe_size_) stripe_.reset();
  if (skip == 0 && take == unit.bytes.size()) co_return std::move(unit.bytes);
  co_return unit.bytes.sub(skip, take);
}

}  // namespace mas::object
