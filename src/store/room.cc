#include "store/room.h"

#include <algorithm>

namespace mas::store {
namespace {

constexpr Duration kMaxAge = std::chrono::seconds(1);

}  // namespace

Room::Room(fs::Fs& fs, Clock& clock, std::string directory, double reserve_share,
           std::uint64_t reserve_bytes)
    : fs_(fs),
      clock_(clock),
      directory_(std::move(directory)),
      reserve_share_(reserve_share),
      reserve_bytes_(reserve_bytes) {}

Result<void> Room::refresh() {
  MAS_TRY(const fs::Space space, fs_.space(directory_));
  const Instant now = clock_.now();
  std::lock_guard lock(mutex_);
  space_ = space;
  asked_ = now;
  return {};
}

Result<void> Room::refresh_if_old() {
  if (!is_old()) return {};
  return refresh();
}

bool Room::is_old() const {
  const Instant now = clock_.now();
  std::lock_guard lock(mutex_);
  return now - asked_ >= kMaxAge;
}

std::uint64_t Room::total() const {
  std::lock_guard lock(mutex_);
  return space_.total;
}

std::uint64_t Room::left(std::uint64_t prepared) const {
  std::lock_guard lock(mutex_);
  const auto share = static_cast<std::uint64_t>(static_cast<double>(space_.total) * reserve_share_);
  const std::uint64_t reserve = std::max(share, reserve_bytes_);
  const std::uint64_t usable = space_.free + prepared;
  return usable > reserve ? usable - reserve : 0;
}

}  // namespace mas::store
