// The two ends of a body: where bytes are pulled from and where they are pushed to.
#pragma once

#include <span>

#include "mas/core/bytes.h"
#include "mas/core/result.h"
#include "mas/runtime/task.h"

namespace mas {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills a prefix of `into` (not empty) with at least one byte and returns how many; 0 is the end.
  // An error is final.
  virtual Task<Result<std::size_t>> read(MutableBytes into) = 0;
  // True is a promise: the next read() waits for nobody. False where that cannot be known.
  [[nodiscard]] virtual bool ready() { return true; }
};

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Takes all of `pieces`, in order; waits while the other side is slow. The bytes are verified
  // before they get here. An error is final.
  virtual Task<Result<void>> write(std::span<const Slice> pieces) = 0;

  // For whoever would hold nothing while the other side is slow; a sink that knows nothing of that
  // takes all.
  // Takes what goes of `bytes` (not empty) without waiting, maybe nothing, and says how many bytes.
  // The next call must bring what was not taken.
  virtual Task<Result<std::size_t>> write_some(Slice bytes);
  // Once write_some() has taken less than all: until it takes more.
  virtual Task<Result<void>> wait_for_room();
};

// Reads until `into` is full or the source ends; returns how many bytes there are.
Task<Result<std::size_t>> read_full(ByteSource& source, MutableBytes into);

}  // namespace mas
