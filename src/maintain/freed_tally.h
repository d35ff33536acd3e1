// How much of the freed list this pod has not collected yet. Every entry is looked at once, as the
// list grows at its end.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "mas/meta/records.h"

namespace mas::maintain {

// Whether it never was part of a file.
[[nodiscard]] inline bool never_published(const meta::FreedEntry& entry) {
  return !entry.manifests && entry.freed_at == 0;
}

class FreedTally {
 public:
  // An entry that has been read on the list; those that were noted before are left out.
  void note(const meta::FreedEntry& entry);
  // An entry that this pod has collected; again, where it is gone through once more.
  void collected(const meta::FreedEntry& entry);
  // An entry that stays on the list, and of which this pod has nothing any more.
  void removed_early(const meta::FreedEntry& entry);
  // It is another list.
  void start_again() { *this = FreedTally(); }

  // The last that was noted.
  [[nodiscard]] const std::optional<meta::FreedEntry>& last() const noexcept { return last_; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
  // Of all pods, as they are stored but for compression, of what was part of a file: how much else
  // was written is not known, and it goes soon.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  void take_off(const meta::FreedEntry& entry);

  std::optional<meta::FreedEntry> last_;
  std::uint64_t collected_ = 0;    // sequence
  std::set<std::uint64_t> early_;  // removed early, as many as are remembered
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace mas::maintain
