// The operator's word that what is on the freed list need not wait for the grace.
//
// The word is an entry of the list itself, so that its place says what it is about: what comes
// before it. Every pod hears it when it reads that far. A pod drops nothing before it knows from
// every member, itself included, which of these extents their downloads still read: each waits for
// as long as a record may be used after it changed, looks which of the extents are being read then,
// and says so, again and again, until none is. What is read stays; the rest is removed after the
// second look that all removals take. The entries stay on the list until the grace is over, and are
// collected then as ever: what was deleted stays known for as long as always.
#pragma once

#include <deque>
#include <functional>
#include <set>

#include "maintain/freed_remover.h"
#include "maintain/freed_tally.h"
#include "mas/maintain/freed_board.h"

namespace mas::maintain {

// The entry that is the word for all of the list, or for what the deleted file `hash` left: no
// manifest has such a generation.
[[nodiscard]] meta::ManifestRange word_for(const std::optional<Hash>& hash);
[[nodiscard]] bool is_word(const meta::FreedEntry& entry);

class WordFollower {
 public:
  WordFollower(const Dependencies& deps, FreedRemover& remover, FreedTally& waiting,
               FreedWords words);

  // An entry of the list, each once and in order.
  void see(const meta::FreedEntry& entry);
  // It is another list.
  void start_again();
  [[nodiscard]] bool has_words() const noexcept { return !words_.empty(); }
  // Puts what was asked for on the list. Errors: those of the metadata; then it is asked for still.
  Task<Result<void>> put_asked();
  // One bounded step over what comes after `past`, where the collection itself is. `believe` is
  // asked before anything is removed. True if there is more to do at once. Errors: those of
  // FreedRemover and of `believe`.
  Task<Result<bool>> step(std::uint64_t past, std::function<Task<Result<void>>()> believe);

 private:
  using Ids = std::set<Id128>;
  struct Word {
    std::uint64_t at = 0;      // its place on the list
    std::optional<Hash> hash;  // nullopt: all
    Instant seen;
    bool prepared = false;
    Ids only;                // extents that `hash` left
    std::uint64_t past = 0;  // of the list is done, but for `kept`
    std::vector<meta::FreedEntry> kept = {};
  };

  Task<Result<void>> prepare(Word& word);
  // What all members read of the list up to `up_to`; nullopt, and said why, if not all have told.
  Task<std::optional<Ids>> held_by_all(std::uint64_t up_to);
  // Removes what may go of `entries`; those that are read are kept for later.
  Task<Result<void>> remove(Word& word, std::vector<meta::FreedEntry> entries, Ids held);

  Dependencies deps_;
  FreedRemover& remover_;
  FreedTally& waiting_;
  FreedWords shared_;
  std::deque<Word> words_;
};

}  // namespace mas::maintain
