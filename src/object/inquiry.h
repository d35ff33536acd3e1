// Which of many records their holders have: each member is asked once for all of its own.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "object/context.h"
#include "object/vigil.h"

namespace mas::object {

class Inquiry {
 public:
  enum class Answer : std::uint8_t { yes, no, none };

  explicit Inquiry(std::shared_ptr<const membership::ClusterView> view);

  // Questions are numbered from 0. Without a member there is nobody to answer.
  void add(std::optional<layout::MemberIndex> member, const RecordKey& key);
  // Asks everybody who is not known to be down, all at once, and waits for all.
  Task<void> ask(Context& context) { return ask_within(context, std::nullopt, false); }
  // Leaves out who is skipped, and who has not answered within config::Write's straggler_wait;
  // these are skipped from then on. ask() may follow for the rest.
  Task<void> ask_briefly(Context& context) {
    return ask_within(context, context.write.straggler_wait, true);
  }
  // After that: asks who was left out too, and waits no longer for everybody.
  Task<void> ask_skipped(Context& context) {
    return ask_within(context, context.write.straggler_wait, false);
  }
  [[nodiscard]] Answer answer(std::size_t question) const { return answers_[question]; }
  // Somebody did not answer.
  [[nodiscard]] bool unanswered() const noexcept { return unanswered_; }

 private:
  struct Batch {
    std::vector<RecordKey> keys;
    std::vector<std::size_t> questions;  // for each key
    bool begun = false;
    bool ended = false;
    Result<std::vector<bool>> said = Error(Code::internal, "The member was not asked.");
  };
  // Shared with calls that nobody waits for any more.
  struct Asked {
    std::map<layout::MemberIndex, Batch> batches;
    std::unique_ptr<Vigil> news;
    int running = 0;
  };

  Task<void> ask_within(Context& context, std::optional<Duration> patience, bool skip);
  static Task<void> ask_one(Context& context, std::shared_ptr<Asked> asked,
                            layout::MemberIndex member);
  void begin(Context& context, bool skip);
  void collect();

  const std::shared_ptr<const membership::ClusterView> view_;
  const std::shared_ptr<Asked> asked_;
  std::vector<Answer> answers_;
  bool unanswered_ = false;
};

}  // namespace mas::object
