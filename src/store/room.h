// How much of a volume is left for new shards. Asking the system may block, so the answer is kept
// and asked again when it has grown old.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "mas/fs/fs.h"
#include "mas/runtime/clock.h"

namespace mas::store {

class Room {
 public:
  // `reserve_share` of the volume, and at least `reserve_bytes`, is kept back.
  Room(fs::Fs& fs, Clock& clock, std::string directory, double reserve_share,
       std::uint64_t reserve_bytes);

  // Blocking.
  Result<void> refresh();
  Result<void> refresh_if_old();
  [[nodiscard]] bool is_old() const;

  [[nodiscard]] std::uint64_t total() const;
  // What is left above the reserve, where `prepared` bytes of the volume are preallocated and
  // unused.
  [[nodiscard]] std::uint64_t left(std::uint64_t prepared) const;

 private:
  fs::Fs& fs_;
  Clock& clock_;
  const std::string directory_;
  const double reserve_share_;
  const std::uint64_t reserve_bytes_;
  mutable std::mutex mutex_;
  fs::Space space_;
  Instant asked_;
};

}  // namespace mas::store
