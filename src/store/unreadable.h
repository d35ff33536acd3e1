// What the index of a volume shows and its disk does not give: single records behind a bad sector,
// segments whose file has vanished, or all of a disk that has gone. None of it counts as held.
//
// Kept in memory, not written down: nothing is thrown away because of an error of the disk. What
// can be read again (scrub tries), and everything that the next start finds, counts again; what was
// made anew meanwhile has a higher version and wins.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "mas/runtime/clock.h"
#include "store/location.h"

namespace mas::store {

// Thread-safe; costs one atomic load while there is nothing.
class Unreadable {
 public:
  explicit Unreadable(Clock& clock) : clock_(clock) {}

  [[nodiscard]] bool hides(const RecordKey& key, const Location& location) const;
  [[nodiscard]] bool is_gone() const noexcept { return gone_.load(); }
  [[nodiscard]] std::uint64_t times_gone() const noexcept { return times_gone_.load(); }
  [[nodiscard]] bool has_vanished(std::uint64_t segment) const;

  // False if it was hidden before, or there are too many to keep in memory: then it stays shown,
  // and whoever reads it gets the error.
  bool add_record(const RecordKey& key, const Location& location);
  // It can be read after all. False if it was not hidden.
  bool drop_record(const RecordKey& key);
  bool add_segment(std::uint64_t number);
  // True if that is news.
  bool set_gone(bool gone);
  // Whether it is time to look if the disk that has gone is back; true once in a while.
  bool look_again();

 private:
  Clock& clock_;
  std::atomic<bool> gone_{false};
  std::atomic<std::uint64_t> times_gone_{0};
  std::atomic<bool> any_{false};
  mutable std::mutex mutex_;
  std::map<RecordKey, Location> records_;
  std::set<std::uint64_t> segments_;
  Instant looked_{};
};

}  // namespace mas::store
