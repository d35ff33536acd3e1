#include "auth/redis/lane.h"

#include <algorithm>
#include <utility>

#include "mas/net/connect.h"
#include "mas/runtime/contain.h"

namespace mas::auth::redis {
namespace {

Error closing() { return {Code::closed, "The token ledger is closing."}; }

Task<void> watch(std::shared_ptr<Link> link) { co_await link->watch(); }

}  // namespace

// ---- Place ----

Lane::Place::Place(Place&& other) noexcept
    : link(std::move(other.link)), lane_(std::exchange(other.lane_, nullptr)) {}

Lane::Place& Lane::Place::operator=(Place&& other) noexcept {
  std::swap(link, other.link);
  std::swap(lane_, other.lane_);
  return *this;
}

Lane::Place::~Place() {
  if (lane_ != nullptr) lane_->give_back(std::move(link));
}

// ---- taking and giving back ----

Task<Result<Lane::Place>> Lane::take(Instant deadline) {
  if (closed_) co_return closing();
  if (taken_ < options_.pool) {
    ++taken_;
    co_return Place(this, idle_link());
  }
  if (waiting_.size() >= kMaxWaiting) {
    co_return Error(Code::busy, "Too many calls wait for the token ledger.");
  }
  Waiting waiting;
  waiting.timer = clock_.make_timer(executor_);
  waiting_.push_back(&waiting);
  co_await waiting.timer->wait(deadline - clock_.now());
  if (!waiting.over) {
    std::erase(waiting_, &waiting);
    co_return Error(Code::timeout, "Every connection to the token ledger was in use for too long.");
  }
  if (closed_) co_return closing();
  co_return std::move(waiting.place);
}

LinkPtr Lane::idle_link() {
  while (!idle_.empty()) {
    LinkPtr link = std::move(idle_.back());
    idle_.pop_back();
    if (link->fresh()) return link;
  }
  return nullptr;
}

void Lane::give_back(LinkPtr link) {
  if (link && (closed_ || !link->fresh())) link.reset();
  if (waiting_.empty()) {
    --taken_;
    if (link) idle_.push_back(std::move(link));
    return;
  }
  Waiting* next = waiting_.front();
  waiting_.pop_front();
  next->place = Place(this, std::move(link));
  next->over = true;
  next->timer->cancel();
}

void Lane::close() {
  closed_ = true;
  idle_.clear();
  for (Waiting* waiting : std::exchange(waiting_, {})) {
    waiting->over = true;
    waiting->timer->cancel();
  }
}

// ---- connecting ----

struct Lane::Opening {
  Place place;
  std::unique_ptr<Timer> timer;  // the caller's patience
  bool done = false;
  Result<void> result;
};

Task<Result<Lane::Place>> Lane::connect(Place place, Instant deadline) {
  auto opening = std::make_shared<Opening>();
  opening->place = std::move(place);
  opening->timer = clock_.make_timer(executor_);
  auto running = run_opening(opening, deadline);
  if (!spawn(executor_, gate_, std::move(running), "redis connect")) co_return closing();
  // It may have ended before this wait began.
  if (!opening->done) co_await opening->timer->wait(deadline - clock_.now());
  if (!opening->done) {
    co_return Error(Code::timeout, "The server did not answer in time.");
  }
  if (opening->result.has_error()) co_return opening->result.error();
  co_return std::move(opening->place);
}

Task<void> Lane::run_opening(std::shared_ptr<Opening> opening, Instant deadline) {
  auto connecting = contain(open(deadline), "redis connect");
  Result<LinkPtr> link = co_await std::move(connecting);
  if (link.has_value()) {
    opening->place.link = std::move(*link);
  } else {
    opening->result = link.error();
  }
  opening->done = true;
  opening->timer->cancel();
}

Task<Result<LinkPtr>> Lane::open(Instant deadline) {
  auto connecting = net::connect(options_.url.host, options_.url.port, options_.tls, clock_,
                                 deadline - clock_.now());
  MAS_CO_TRY(auto stream, co_await std::move(connecting));
  auto made = std::make_shared<Link>(std::move(stream), clock_, executor_, options_.timeout);
  if (!spawn(executor_, gate_, watch(made), "redis timer")) co_return closing();
  auto end = [made](Link* link) { link->end(); };
  LinkPtr link(made.get(), end);
  MAS_CO_CHECK(co_await link->greet(options_.url, deadline));
  co_return link;
}

}  // namespace mas::auth::redis
