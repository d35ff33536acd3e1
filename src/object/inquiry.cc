#include "object/inquiry.h"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mas/object/holders.h"
#include "mas/runtime/contain.h"

namespace mas::object {

Inquiry::Inquiry(std::shared_ptr<const membership::ClusterView> view)
    : view_(std::move(view)), asked_(std::make_shared<Asked>()) {}

void Inquiry::add(std::optional<layout::MemberIndex> member, const RecordKey& key) {
  if (member) {
    Batch& batch = asked_->batches[*member];
    batch.keys.push_back(key);
    batch.questions.push_back(answers_.size());
  }
  answers_.push_back(Answer::none);
}

Task<void> Inquiry::ask_one(Context& context, std::shared_ptr<Asked> asked,
                            layout::MemberIndex member) {
  Batch& batch = asked->batches[member];
  auto asking = contain(context.deps.transport.have(member, batch.keys), "presence");
  batch.said = co_await std::move(asking);
  batch.ended = true;
  --asked->running;
  asked->news->wake();
}

void Inquiry::begin(Context& context, bool skip) {
  for (auto& [member, batch] : asked_->batches) {
    if (batch.begun || is_down(*view_, member)) continue;
    if (skip && context.skips.contains(member)) continue;
    batch.begun = true;
    ++asked_->running;
    auto task = ask_one(context, asked_, member);
    if (spawn(asked_->news->home(), context.calls, std::move(task), "presence")) continue;
    --asked_->running;
    batch.ended = true;
  }
}

Task<void> Inquiry::ask_within(Context& context, std::optional<Duration> patience, bool skip) {
  Clock& clock = context.deps.clock;
  Executor home = co_await boost::asio::this_coro::executor;
  if (!asked_->news) asked_->news = std::make_unique<Vigil>(clock, home);
  begin(context, skip);
  const Instant began = clock.now();
  while (asked_->running > 0) {
    if (!patience) {
      co_await asked_->news->wait();
      continue;
    }
    Duration left = *patience - (clock.now() - began);
    if (left <= Duration(0)) break;
    (void)co_await asked_->news->wait(left);
  }
  for (auto& [member, batch] : asked_->batches) {
    if (batch.begun && !batch.ended) context.skips.add(member, view_->layout.members.size());
  }
  collect();
}

void Inquiry::collect() {
  unanswered_ = false;
  for (const auto& [member, batch] : asked_->batches) {
    bool told = batch.said.has_value() && batch.said->size() == batch.keys.size();
    unanswered_ |= !told;
    if (!told) continue;
    for (std::size_t i = 0; i < batch.keys.size(); ++i) {
      answers_[batch.questions[i]] = (*batch.said)[i] ? Answer::yes : Answer::no;
    }
  }
}

}  // namespace mas::object
