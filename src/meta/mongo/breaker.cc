#include "meta/mongo/breaker.h"

#include <utility>

#include "mas/observe/log.h"

namespace mas::meta::mongo {

Breaker::Breaker(Pool& pool, observe::Metrics& metrics)
    : pool_(pool),
      gauge_(metrics.gauge("mas_metadata_unreachable",
                           "1 while the metadata server cannot be reached.")),
      trips_(metrics.counter("mas_metadata_outages_total",
                             "Times the metadata server could not be reached any more.")) {}

Error Breaker::refusal() {
  return Error(Code::metadata_unavailable,
               "The metadata server cannot be reached; try again shortly.");
}

void Breaker::trip(std::uint64_t since, const std::string& why) {
  std::lock_guard lock(mutex_);
  if (open() || stopping_ || since != outages_) return;
  auto pass = probing_.try_enter();
  if (!pass) return;
  pass_.emplace(std::move(*pass));
  // Without room for the probe the breaker stays closed: the next failure tries again.
  if (!pool_.submit(*this)) {
    pass_.reset();
    return;
  }
  open_.store(true, std::memory_order_release);
  gauge_.set(1);
  trips_.add();
  log::warn("metadata_unreachable", {{"error", why}});
}

void Breaker::run() noexcept {
  bool back = false;
  while (!back && pause()) back = probe_().has_value();
  std::optional<Gate::Pass> pass;  // goes after everything else here
  std::lock_guard lock(mutex_);
  pass.emplace(std::move(*pass_));
  pass_.reset();
  if (!back) return;
  ++outages_;
  open_.store(false, std::memory_order_release);
  gauge_.set(0);
  log::warn("metadata_reachable_again", {});
}

bool Breaker::pause() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kPause, [this] { return stopping_; });
  return !stopping_;
}

Task<void> Breaker::close() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  co_await probing_.close();
}

}  // namespace mas::meta::mongo
