#include "object/generation_source.h"

namespace mas::object {

Task<Result<std::uint64_t>> GenerationSource::next() {
  std::shared_ptr<Ticket> ticket;
  {
    std::lock_guard lock(mutex_);
    if (calling_) {
      ticket = std::make_shared<Ticket>();
      waiting_.push_back(ticket);
    } else {
      calling_ = true;
    }
  }
  if (ticket) {
    co_await ticket->ready.wait();
    if (!ticket->leads) co_return ticket->number;
  }
  co_return co_await lead();
}

Task<Result<std::uint64_t>> GenerationSource::take(std::uint32_t count) {
  const std::uint64_t known = watch_ == nullptr ? 0 : watch_->highest_generation();
  MAS_CO_TRY(std::uint64_t first, co_await meta_.next_generation(count));
  if (watch_ == nullptr) co_return first;
  MAS_CO_CHECK(membership::judge_generation(*watch_, known, first));
  if (count > 1) watch_->note_generation(first + count - 1);
  co_return first;
}

Task<Result<std::uint64_t>> GenerationSource::lead() {
  std::vector<std::shared_ptr<Ticket>> served;
  {
    std::lock_guard lock(mutex_);
    served.swap(waiting_);
  }
  auto count = static_cast<std::uint32_t>(served.size() + 1);
  Result<std::uint64_t> first = co_await take(count);
  std::shared_ptr<Ticket> heir;
  {
    std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      calling_ = false;
    } else {
      heir = waiting_.front();
      waiting_.erase(waiting_.begin());
      heir->leads = true;
    }
  }
  for (std::size_t i = 0; i < served.size(); ++i) {
    if (first) {
      served[i]->number = *first + 1 + i;
    } else {
      served[i]->number = first.error();
    }
    served[i]->ready.set();
  }
  if (heir) heir->ready.set();
  co_return first;
}

}  // namespace mas::object
