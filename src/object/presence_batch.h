// One batch of the question that presence.h asks: some stripes, or the manifest of an empty file.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "object/context.h"
#include "object/placement.h"
#include "object/presence.h"

namespace mas::object {

class Inquiry;

// Something that is kept as pieces some of which are enough.
struct Kept {
  std::size_t extent = 0;    // index of it, for whoever asks
  std::uint64_t number = 0;  // of the stripe
  std::uint32_t partition = 0;
  Profile profile;
  RecordKey key;  // of its first piece; those of the others differ in the last number
};

class PresenceBatch {
 public:
  PresenceBatch(Context& context, std::vector<Kept> items);

  // Once.
  Task<void> ask();

  [[nodiscard]] const std::vector<Kept>& items() const noexcept { return items_; }
  [[nodiscard]] int held(std::size_t item) const;
  [[nodiscard]] Presence::Verdict verdict(std::size_t item) const;
  // Two pieces that lie with one holder, as may be while rows change, are lost together.
  [[nodiscard]] Durability durability(std::size_t item) const;

 private:
  struct Piece {
    bool held = false;
    bool silent = false;                           // somebody who may have it did not say
    layout::MemberIndex holder = layout::kNobody;  // while held
  };
  struct Question {
    std::size_t item;
    std::size_t piece;
    layout::MemberIndex member;
  };

  void add(Inquiry& inquiry, std::size_t item, std::size_t piece,
           std::optional<layout::MemberIndex> member);
  void ask_rows(Inquiry& inquiry);
  void ask_previous(Inquiry& inquiry);
  Task<void> settle(Inquiry& inquiry);
  void note_held(const Inquiry& inquiry);
  [[nodiscard]] int minimum(std::size_t item) const;
  [[nodiscard]] bool any_short() const;

  Context& context_;
  const std::shared_ptr<const membership::ClusterView> view_;
  const std::vector<Kept> items_;
  std::vector<std::array<Piece, layout::kMaxWidth>> pieces_;
  std::vector<Question> questions_;  // of the round at work
};

}  // namespace mas::object
