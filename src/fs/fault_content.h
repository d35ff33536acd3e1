// The bytes of one file in memory, and which of them a power loss may take back.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>

#include "mas/core/bytes.h"
#include "mas/runtime/rng.h"

namespace mas::fs {

// True with probability `likelihood`; 0 and 1 are certain and draw nothing.
[[nodiscard]] bool chance(Rng& rng, double likelihood);

// Copying is cheap: blocks are shared and never changed in place. Not thread-safe.
class FaultContent {
 public:
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  void write(std::uint64_t offset, ByteView bytes);
  // Bytes given: fewer than asked for only at the end.
  [[nodiscard]] std::size_t read(std::uint64_t offset, MutableBytes into) const;
  void truncate(std::uint64_t size);
  // Grows the file to `size` if it is shorter; the new bytes read as zeros.
  void extend(std::uint64_t size);
  void flip_bit(std::uint64_t offset, int bit);

  // All content and the size are durable now, but for what an earlier failed sync gave up.
  void sync();
  // A sync that failed: the system may drop some of the blocks it covered from its list of things
  // to write, so that no later sync will cover them unless they are written again.
  void fail_sync(Rng& rng);
  // What is found after a power loss; all of it durable.
  [[nodiscard]] FaultContent after_power_loss(Rng& rng, double keep) const;

 private:
  using Block = std::array<std::uint8_t, kBlockSize>;
  using BlockPointer = std::shared_ptr<const Block>;  // nullptr: a hole

  void remember(std::uint64_t index);
  [[nodiscard]] BlockPointer block(std::uint64_t index) const;
  void put(std::uint64_t index, BlockPointer content);
  void clear_after(std::uint64_t size);

  std::map<std::uint64_t, BlockPointer> blocks_;   // as a reader sees them
  std::map<std::uint64_t, BlockPointer> durable_;  // of blocks changed since the last sync: before
  std::set<std::uint64_t> given_up_;               // of those: no sync will write them
  std::uint64_t size_ = 0;
  std::uint64_t durable_size_ = 0;
};

}  // namespace mas::fs
