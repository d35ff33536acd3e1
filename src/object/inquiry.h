// Which of many records their holders have: each member is asked once for all of its own.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "object/context.h"

namespace mas::object {

class Inquiry {
 public:
  enum class Answer : std::uint8_t { yes, no, none };

  explicit Inquiry(std::shared_ptr<const membership::ClusterView> view) : view_(std::move(view)) {}

  // Questions are numbered from 0. Without a member there is nobody to answer.
  void add(std::optional<layout::MemberIndex> member, const RecordKey& key);
  // Asks everybody who is not known to be down, all at once.
  Task<void> ask(Context& context);
  [[nodiscard]] Answer answer(std::size_t question) const { return answers_[question]; }
  // Somebody did not answer.
  [[nodiscard]] bool unanswered() const noexcept { return unanswered_; }

 private:
  struct Batch {
    std::vector<RecordKey> keys;
    std::vector<std::size_t> questions;  // for each key
    Result<std::vector<bool>> said = Error(Code::internal, "The member was not asked.");
  };
  static Task<void> ask_one(Context& context, layout::MemberIndex member, Batch& batch);

  std::shared_ptr<const membership::ClusterView> view_;
  std::map<layout::MemberIndex, Batch> batches_;
  std::vector<Answer> answers_;
  bool unanswered_ = false;
};

}  // namespace mas::object
