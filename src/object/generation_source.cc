#include "object/generation_source.h"

#include "mas/runtime/contain.h"

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

Task<Result<void>> GenerationSource::believe() {
  if (watch_ == nullptr) co_return Result<void>();
  MAS_CO_CHECK(co_await next());
  co_return Result<void>();
}

Task<Result<std::uint64_t>> GenerationSource::lead() {
  std::vector<std::shared_ptr<Ticket>> served;
  {
    std::lock_guard lock(mutex_);
    served.swap(waiting_);
  }
  auto count = static_cast<std::uint32_t>(served.size() + 1);
  auto drawing = contain(membership::take_generations(meta_, watch_, count), "generation");
  Result<std::uint64_t> first = co_await std::move(drawing);
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
