#include "object/inquiry.h"

#include "mas/object/holders.h"
#include "object/join.h"

namespace mas::object {

void Inquiry::add(std::optional<layout::MemberIndex> member, const RecordKey& key) {
  if (member) {
    Batch& batch = batches_[*member];
    batch.keys.push_back(key);
    batch.questions.push_back(answers_.size());
  }
  answers_.push_back(Answer::none);
}

Task<void> Inquiry::ask_one(Context& context, layout::MemberIndex member, Batch& batch) {
  batch.said = co_await context.deps.transport.have(member, batch.keys);
}

Task<void> Inquiry::ask(Context& context) {
  std::vector<Task<void>> tasks;
  for (auto& [member, batch] : batches_) {
    if (!is_down(*view_, member)) tasks.push_back(ask_one(context, member, batch));
  }
  if (tasks.size() == 1) {
    co_await std::move(tasks.front());
  } else {
    co_await run_all(std::move(tasks), "presence");
  }
  for (const auto& [member, batch] : batches_) {
    bool told = batch.said.has_value() && batch.said->size() == batch.keys.size();
    unanswered_ |= !told;
    if (!told) continue;
    for (std::size_t i = 0; i < batch.keys.size(); ++i) {
      answers_[batch.questions[i]] = (*batch.said)[i] ? Answer::yes : Answer::no;
    }
  }
}

}  // namespace mas::object
