// Bytes [from, to) of a row of extents, as verified slices of at most a unit each, in order.
#pragma once

#include <memory>

#include "object/unit_reader.h"

namespace mas::object {

class ExtentReader {
 public:
  // `window`: plain bytes that may be fetched in one go (matters for k > 1); at least a unit is.
  ExtentReader(Context& context, std::vector<meta::Extent> extents, std::uint64_t from,
               std::uint64_t length, std::uint32_t window);

  // The next bytes; empty at the end. After an error the position is unchanged. Errors: damaged,
  // too_few_pods_read.
  Task<Result<Slice>> next();

  // What to do after an error: read on from other extents of the same content, asking every member
  // under the layout of now.
  void retry_everywhere(std::vector<meta::Extent> extents);
  // Drops what is in memory of the present stripe.
  void forget() { stripe_.reset(); }
  // Goes back to byte `position` of the content, which next() has given already.
  void go_back(std::uint64_t position, std::uint32_t window);

  [[nodiscard]] std::uint64_t left() const noexcept { return end_ - position_; }
  // The layout that says whom it asks.
  [[nodiscard]] std::uint64_t layout_version() const { return search_.view->layout.version; }

 private:
  Result<void> seek();

  Context& context_;
  std::vector<meta::Extent> extents_;
  std::uint64_t position_;  // in the content
  std::uint64_t end_;
  std::uint32_t window_;
  Search search_;

  std::size_t extent_ = 0;          // the one that holds `position_`
  std::uint64_t extent_start_ = 0;  // in the content
  std::unique_ptr<UnitReader> stripe_;
  std::uint64_t stripe_start_ = 0;  // in the content
  std::uint32_t stripe_size_ = 0;
};

}  // namespace mas::object
