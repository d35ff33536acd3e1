#include "object/presence_batch.h"

#include <algorithm>
#include <map>

#include "mas/object/holders.h"
#include "object/inquiry.h"

namespace mas::object {

PresenceBatch::PresenceBatch(Context& context, std::vector<Kept> items)
    : context_(context),
      view_(context.deps.view.current()),
      items_(std::move(items)),
      pieces_(items_.size()) {}

Task<void> PresenceBatch::ask() {
  Inquiry rows(view_);
  ask_rows(rows);
  co_await settle(rows);
  if (!any_short()) co_return;
  // What is on its way to a new holder is still with the one before.
  Inquiry previous(view_);
  ask_previous(previous);
  if (!questions_.empty()) co_await settle(previous);
}

void PresenceBatch::ask_rows(Inquiry& inquiry) {
  for (std::size_t item = 0; item < items_.size(); ++item) {
    const auto width = static_cast<std::size_t>(items_[item].profile.width());
    for (std::size_t piece = 0; piece < width; ++piece) {
      add(inquiry, item, piece, row_holder(view_->layout, items_[item].partition, piece));
    }
  }
}

void PresenceBatch::ask_previous(Inquiry& inquiry) {
  questions_.clear();
  for (std::size_t item = 0; item < items_.size(); ++item) {
    const std::uint32_t partition = items_[item].partition;
    if (!is_changing(view_->layout, partition) || held(item) >= minimum(item)) continue;
    const auto width = static_cast<std::size_t>(items_[item].profile.width());
    for (std::size_t piece = 0; piece < width; ++piece) {
      if (pieces_[item][piece].held) continue;
      auto asked = row_holder(view_->layout, partition, piece);
      for (auto member : holders_of(view_->layout, partition, piece, Reach::previous)) {
        if (asked != member) add(inquiry, item, piece, member);
      }
    }
  }
}

void PresenceBatch::add(Inquiry& inquiry, std::size_t item, std::size_t piece,
                        std::optional<layout::MemberIndex> member) {
  // Nothing is expected of who was given up.
  if (!member || is_given_up(*view_, *member)) return;
  RecordKey key = items_[item].key;
  key.minor = static_cast<std::uint16_t>(piece);
  inquiry.add(*member, key);
  questions_.push_back({item, piece, *member});
}

// Whoever is silent is waited for only where it matters.
Task<void> PresenceBatch::settle(Inquiry& inquiry) {
  co_await inquiry.ask_briefly(context_);
  note_held(inquiry);
  if (inquiry.unanswered() && any_short()) {
    co_await inquiry.ask_skipped(context_);
    note_held(inquiry);
  }
  if (inquiry.unanswered() && any_short()) {
    co_await inquiry.ask(context_);
    note_held(inquiry);
  }
  for (std::size_t i = 0; i < questions_.size(); ++i) {
    if (inquiry.answer(i) != Inquiry::Answer::none) continue;
    pieces_[questions_[i].item][questions_[i].piece].silent = true;
  }
}

void PresenceBatch::note_held(const Inquiry& inquiry) {
  for (std::size_t i = 0; i < questions_.size(); ++i) {
    Piece& piece = pieces_[questions_[i].item][questions_[i].piece];
    if (inquiry.answer(i) != Inquiry::Answer::yes || piece.held) continue;
    piece.held = true;
    piece.holder = questions_[i].member;
  }
}

int PresenceBatch::held(std::size_t item) const {
  const auto& pieces = pieces_[item];
  auto is_held = [](const Piece& piece) { return piece.held; };
  return static_cast<int>(std::count_if(pieces.begin(), pieces.end(), is_held));
}

int PresenceBatch::minimum(std::size_t item) const {
  return write_minimum(items_[item].profile, context_.write.min_survives);
}

bool PresenceBatch::any_short() const {
  for (std::size_t item = 0; item < items_.size(); ++item) {
    if (held(item) < minimum(item)) return true;
  }
  return false;
}

Presence::Verdict PresenceBatch::verdict(std::size_t item) const {
  const int there = held(item);
  if (there >= minimum(item)) return Presence::Verdict::enough;
  const auto& pieces = pieces_[item];
  auto is_silent = [](const Piece& piece) { return piece.silent && !piece.held; };
  auto silent = static_cast<int>(std::count_if(pieces.begin(), pieces.end(), is_silent));
  bool open = there + silent >= minimum(item);
  return open ? Presence::Verdict::unknown : Presence::Verdict::too_few;
}

Durability PresenceBatch::durability(std::size_t item) const {
  const Profile& profile = items_[item].profile;
  std::map<layout::MemberIndex, int> loads;
  for (const Piece& piece : pieces_[item]) {
    if (piece.held) ++loads[piece.holder];
  }
  std::vector<int> heaviest;
  for (const auto& [member, load] : loads) heaviest.push_back(load);
  std::sort(heaviest.rbegin(), heaviest.rend());
  const int there = held(item);
  int spare = there - profile.k;
  if (spare < 0) return {there, profile.width(), spare};
  int survives = 0;
  for (int load : heaviest) {
    if (load > spare) break;
    spare -= load;
    ++survives;
  }
  return {there, profile.width(), survives};
}

}  // namespace mas::object
