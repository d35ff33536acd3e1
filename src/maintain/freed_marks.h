// How long this pod has known what is on the metadata's freed list, in time that it ran.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "mas/core/result.h"
#include "mas/meta/records.h"
#include "mas/runtime/clock.h"

namespace mas::maintain {

// The list only grows at its end. So one mark, of the last entry at some moment, tells that all
// before it had been listed by then; no wall clock has a part in it. A mark also says what that
// entry was, so that it says nothing of another list (metadata rebuilt, or put back from a backup).
class FreedMarks {
 public:
  struct Mark {
    std::uint64_t sequence = 0;
    std::uint64_t sum = 0;  // of the entry
    Instant since;
  };

  explicit FreedMarks(Duration grace) : grace_(grace) {}

  // Whether it is time to look for the list's end: marks are a small part of the grace apart.
  [[nodiscard]] bool wants(Instant now) const;
  // `last` has been seen as the last entry by `now`.
  void add(const meta::FreedEntry& last, Instant now);
  // The youngest; null if there is none.
  [[nodiscard]] const Mark* last() const { return marks_.empty() ? nullptr : &marks_.back(); }
  [[nodiscard]] static bool is_of(const Mark& mark, const meta::FreedEntry& entry);
  void drop_last() { marks_.pop_back(); }
  // All entries up to here have been known for the grace; 0: none has.
  [[nodiscard]] std::uint64_t due(Instant now);
  // When the entry of this sequence is due; nullopt if no mark covers it yet.
  [[nodiscard]] std::optional<Instant> due_at(std::uint64_t sequence) const;

  // As a file (doc/metadata-format.md), for the next process.
  [[nodiscard]] std::string save(Instant now) const;
  // The time between two processes does not count. Errors: corrupt; then nothing is changed.
  Result<void> load(std::string_view bytes, Instant now);
  // What a file of them is at most.
  [[nodiscard]] static std::size_t most_bytes();

 private:
  Duration grace_;
  std::deque<Mark> marks_;  // by sequence; at most the first one is due
};

}  // namespace mas::maintain
