#include "fs/fault_content.h"

#include <algorithm>
#include <cstring>

namespace mas::fs {

bool chance(Rng& rng, double likelihood) {
  if (likelihood <= 0.0) return false;
  if (likelihood >= 1.0) return true;
  return static_cast<double>(rng.u64() >> 11) * 0x1.0p-53 < likelihood;
}

FaultContent::BlockPointer FaultContent::block(std::uint64_t index) const {
  const auto found = blocks_.find(index);
  return found == blocks_.end() ? nullptr : found->second;
}

void FaultContent::put(std::uint64_t index, BlockPointer content) {
  if (content) {
    blocks_[index] = std::move(content);
  } else {
    blocks_.erase(index);
  }
}

void FaultContent::remember(std::uint64_t index) {
  durable_.try_emplace(index, block(index));
  given_up_.erase(index);
}

void FaultContent::write(std::uint64_t offset, ByteView bytes) {
  size_ = std::max(size_, offset + bytes.size());
  while (!bytes.empty()) {
    const auto index = offset / kBlockSize;
    const auto within = static_cast<std::size_t>(offset % kBlockSize);
    const auto count = std::min(bytes.size(), kBlockSize - within);
    remember(index);
    const auto before = block(index);
    auto after = before ? std::make_shared<Block>(*before) : std::make_shared<Block>();
    std::memcpy(after->data() + within, bytes.data(), count);
    blocks_[index] = std::move(after);
    bytes = bytes.subspan(count);
    offset += count;
  }
}

std::size_t FaultContent::read(std::uint64_t offset, MutableBytes into) const {
  if (offset >= size_) return 0;
  const auto total = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - offset));
  for (std::size_t done = 0; done < total;) {
    const auto within = static_cast<std::size_t>((offset + done) % kBlockSize);
    const auto count = std::min(total - done, kBlockSize - within);
    if (const auto content = block((offset + done) / kBlockSize)) {
      std::memcpy(into.data() + done, content->data() + within, count);
    } else {
      std::memset(into.data() + done, 0, count);
    }
    done += count;
  }
  return total;
}

// Drops the blocks past `size` and clears the rest of the one it ends in.
void FaultContent::clear_after(std::uint64_t size) {
  blocks_.erase(blocks_.lower_bound(round_up(size, kBlockSize) / kBlockSize), blocks_.end());
  const auto within = static_cast<std::size_t>(size % kBlockSize);
  const auto last = block(size / kBlockSize);
  if (within == 0 || !last) return;
  auto after = std::make_shared<Block>(*last);
  std::fill(after->begin() + static_cast<std::ptrdiff_t>(within), after->end(), std::uint8_t{0});
  blocks_[size / kBlockSize] = std::move(after);
}

void FaultContent::truncate(std::uint64_t size) {
  if (size < size_) {
    for (auto it = blocks_.lower_bound(size / kBlockSize); it != blocks_.end(); ++it) {
      remember(it->first);
    }
    clear_after(size);
  }
  size_ = size;
}

void FaultContent::extend(std::uint64_t size) { size_ = std::max(size_, size); }

void FaultContent::flip_bit(std::uint64_t offset, int bit) {
  const auto index = offset / kBlockSize;
  const auto before = block(index);
  auto after = before ? std::make_shared<Block>(*before) : std::make_shared<Block>();
  (*after)[offset % kBlockSize] ^=
      static_cast<std::uint8_t>(1U << (static_cast<unsigned>(bit) & 7U));
  blocks_[index] = std::move(after);
}

void FaultContent::sync() {
  std::erase_if(durable_, [this](const auto& entry) { return !given_up_.contains(entry.first); });
  durable_size_ = size_;
}

void FaultContent::fail_sync(Rng& rng) {
  for (const auto& [index, content] : durable_) {
    if (chance(rng, 0.5)) given_up_.insert(index);
  }
}

FaultContent FaultContent::after_power_loss(Rng& rng, double keep) const {
  FaultContent result;
  result.blocks_ = blocks_;
  const bool size_kept = size_ == durable_size_ || chance(rng, keep);
  result.size_ = size_kept ? size_ : durable_size_;
  // A file that was growing may have been caught anywhere on the way.
  if (!size_kept && size_ > durable_size_ && keep > 0.0 && chance(rng, 0.5)) {
    result.size_ += rng.u64() % (size_ - durable_size_);
  }
  for (const auto& [index, before] : durable_) {
    // A block that truncation cut off comes back only together with the size that covers it.
    const bool cut_off = !blocks_.contains(index);
    const bool kept = cut_off ? size_kept : chance(rng, keep);
    if (!kept) result.put(index, before);
  }
  result.clear_after(result.size_);
  result.durable_size_ = result.size_;
  return result;
}

}  // namespace mas::fs
