#include "maintain/early_removal.h"

#include <algorithm>

namespace mas::maintain {
namespace {

constexpr std::uint32_t kPage = 500;        // entries looked at in a step
constexpr std::uint32_t kMostRemoved = 64;  // of them
// Far more than a call to the metadata takes that nobody knows the outcome of.
constexpr Duration kRest = std::chrono::minutes(10);
constexpr int kShare = 64;  // of a short grace
// Ends of the list that are remembered are a part of the rest apart, and no more than these.
constexpr int kEnds = 16;
constexpr std::size_t kMostEnds = 1000;

}  // namespace

Duration EarlyRemoval::rest_of(Duration grace) { return std::min(kRest, grace / kShare); }

EarlyRemoval::EarlyRemoval(Duration grace, const Dependencies& deps, FreedRemover& remover,
                           FreedTally& waiting)
    : rest_(rest_of(grace)), deps_(deps), remover_(remover), waiting_(waiting), marks_(rest_) {}

void EarlyRemoval::look(const meta::FreedEntry* end, Instant now) {
  const std::uint64_t sequence = end == nullptr ? 0 : end->sequence;
  const FreedMarks::Mark* last = marks_.last();
  const bool is_new = end != nullptr && (last == nullptr || sequence > last->sequence);
  if (is_new && marks_.wants(now)) marks_.add(*end, now);
  const bool is_known = !ends_.empty() && ends_.back().sequence == sequence;
  const bool is_near =
      !ends_.empty() && (now - ends_.back().first < rest_ / kEnds || ends_.size() == kMostEnds);
  if (!is_known && !is_near) ends_.push_back({sequence, now, now});
  ends_.back().sequence = sequence;
  ends_.back().last = now;
  note_gone();
}

void EarlyRemoval::note_gone() {
  while (!ends_.empty() && ends_.front().sequence <= past_) {
    gone_before_ = std::max(gone_before_, ends_.front().last);
    ends_.pop_front();
  }
}

void EarlyRemoval::start_again() {
  marks_ = FreedMarks(rest_);
  past_ = 0;
  ends_.clear();
}

Task<Result<bool>> EarlyRemoval::step(std::uint64_t past,
                                      std::function<Task<Result<void>>()> believe) {
  past_ = std::max(past_, past);
  note_gone();
  const std::uint64_t due = marks_.due(deps_.clock.now());
  if (past_ >= due) co_return false;
  MAS_CO_TRY(auto page, co_await deps_.meta.freed(past_, kPage));
  std::uint32_t removed = 0;
  for (const meta::FreedEntry& entry : page) {
    if (entry.sequence > due) break;
    if (never_published(entry)) {
      if (removed == kMostRemoved) co_return true;
      if (removed++ == 0) {
        auto believing = believe();
        MAS_CO_CHECK(co_await std::move(believing));
      }
      MAS_CO_CHECK(co_await remover_.remove(entry));
      waiting_.removed_early(entry);
    }
    past_ = entry.sequence;
    note_gone();
  }
  co_return page.size() == kPage&& past_ < due;
}

}  // namespace mas::maintain
