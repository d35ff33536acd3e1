#include "object/newest_layout.h"

#include "mas/observe/log.h"
#include "mas/runtime/contain.h"
#include "object/context.h"

namespace mas::object {

Task<Result<std::uint64_t>> NewestLayout::version() {
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
    if (!ticket->leads) co_return ticket->version;
  }
  co_return co_await lead();
}

Task<Result<std::uint64_t>> NewestLayout::ask(meta::MetaStore& meta) {
  MAS_CO_TRY(std::optional<layout::Layout> newest, co_await meta.current_layout());
  co_return newest ? newest->version : 0;
}

Task<Result<std::uint64_t>> NewestLayout::lead() {
  std::vector<std::shared_ptr<Ticket>> served;
  {
    std::lock_guard lock(mutex_);
    served.swap(waiting_);
  }
  auto asking = contain(ask(meta_), "newest layout");
  Result<std::uint64_t> version = co_await std::move(asking);
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
  for (const std::shared_ptr<Ticket>& ticket : served) {
    ticket->version = version;
    ticket->ready.set();
  }
  if (heir) heir->ready.set();
  co_return version;
}

Task<bool> went_by_newest_layout(Context& context, std::uint64_t version) {
  const Result<std::uint64_t> newest = co_await context.newest_layout.version();
  if (newest.has_error()) co_return false;
  if (*newest <= version) co_return true;
  log::info("object.layout_is_behind", {{"version", version}, {"newest", *newest}});
  co_return false;
}

}  // namespace mas::object
