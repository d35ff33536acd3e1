// The connections of one io thread: at most so many, made when needed, kept for the next call.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "auth/redis/link.h"
#include "mas/net/tls.h"
#include "mas/runtime/sync.h"

namespace mas::auth::redis {

struct LaneOptions {
  Url url;
  std::shared_ptr<net::TlsClient> tls;  // null: plain
  std::size_t pool = 1;
  Duration timeout{};
};

// A link whose last owner ends it.
using LinkPtr = std::shared_ptr<Link>;

// Used from its io thread only, but for its construction. `gate` owns what it runs; it is closed
// after close() and before this is destroyed.
class Lane {
 public:
  Lane(Executor executor, const LaneOptions& options, Clock& clock, Gate& gate)
      : executor_(std::move(executor)), options_(options), clock_(clock), gate_(gate) {}

  // One of the lane's places for a connection; given back, with its link, when destroyed.
  class [[nodiscard]] Place {
   public:
    Place() = default;
    Place(Lane* lane, LinkPtr link_in) : link(std::move(link_in)), lane_(lane) {}
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) noexcept;
    ~Place();
    LinkPtr link;  // null: connect() makes one

   private:
    Lane* lane_ = nullptr;
  };

  // A free place; waits for one, first come, first served.
  // Errors: timeout, busy (too many wait), closed.
  Task<Result<Place>> take(Instant deadline);
  // Gives `place` a link, within the deadline even if a name is slow to resolve: what is then under
  // way goes on without the caller, and `place` with it. Errors: those of open().
  Task<Result<Place>> connect(Place place, Instant deadline);
  // A new link, outside the pool, that is ready for calls.
  // Errors: timeout, closed, corrupt, refused.
  Task<Result<LinkPtr>> open(Instant deadline);
  // Those that wait fail, idle links end, and no link is kept any more.
  void close();

  [[nodiscard]] const Executor& executor() const noexcept { return executor_; }

 private:
  struct Waiting {
    std::unique_ptr<Timer> timer;
    bool over = false;  // `place` is what came of it; without a lane if this lane closed
    Place place;
  };
  struct Opening;

  LinkPtr idle_link();
  void give_back(LinkPtr link);
  Task<void> run_opening(std::shared_ptr<Opening> opening, Instant deadline);

  // How many calls may wait for a place: at 0.1 ms a call they are served in well under a second.
  static constexpr std::size_t kMaxWaiting = 2048;

  Executor executor_;
  LaneOptions options_;
  Clock& clock_;
  Gate& gate_;
  std::size_t taken_ = 0;
  std::vector<LinkPtr> idle_;
  std::deque<Waiting*> waiting_;
  bool closed_ = false;
};

}  // namespace mas::auth::redis
