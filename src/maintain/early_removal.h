// Removes before the grace is over what nobody can be reading: the bytes of uploads that never
// became part of a file. Parts that were replaced, bodies that were refused or cut off, sessions
// that were dropped: else whoever sends a part again and again fills the disk for a day.
//
// That they are on the list is final: a commit that names an extent on it fails, whenever it comes.
// What is removed here stays on the list and is removed once more when the grace is over, because
// a write that was under way may have come after this. So neither a window for commits nor one
// for running writes has to be kept, and only a margin is.
#pragma once

#include <deque>

#include "maintain/freed_marks.h"
#include "maintain/freed_remover.h"
#include "maintain/freed_tally.h"

namespace mas::maintain {

class EarlyRemoval {
 public:
  // How long such bytes wait where deleted files wait for `grace`.
  [[nodiscard]] static Duration rest_of(Duration grace);

  EarlyRemoval(Duration grace, const Dependencies& deps, FreedRemover& remover,
               FreedTally& waiting);

  // The list has been read to its end by `now`, which was `end`; null: nothing was ever on it.
  void look(const meta::FreedEntry* end, Instant now);
  // It is another list.
  void start_again();
  // One bounded step over what comes after `past`, where the collection itself is. `believe` is
  // asked before anything is removed. True if there is more to do at once. Errors: those of
  // FreedRemover and of `believe`.
  Task<Result<bool>> step(std::uint64_t past, std::function<Task<Result<void>>()> believe);
  // What such uploads left before that is removed; the clock's beginning if that is not known.
  [[nodiscard]] Instant gone_before() const { return gone_before_; }

 private:
  // The list ended with `sequence` when it was looked at last.
  struct End {
    std::uint64_t sequence = 0;
    Instant first;  // seen so
    Instant last;
  };
  void note_gone();

  Duration rest_;
  Dependencies deps_;
  FreedRemover& remover_;
  FreedTally& waiting_;
  FreedMarks marks_;
  std::uint64_t past_ = 0;  // everything up to here has been looked at
  std::deque<End> ends_;    // by sequence
  Instant gone_before_;
};

}  // namespace mas::maintain
