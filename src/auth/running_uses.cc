#include "auth/running_uses.h"

#include <boost/asio/post.hpp>

#include "mas/observe/log.h"
#include "mas/runtime/contain.h"

namespace mas::auth {
namespace {

// A use that ends within this part of renew_every after an extension owes no renewal of its own.
constexpr int kShortPart = 5;

}  // namespace

bool RunningUses::enter(const Id128& token, WallTime issued_at) {
  std::lock_guard lock(mutex_);
  Running& entry = running_[token];
  if (entry.places >= options_.requests_at_once) return false;
  entry.issued_at = issued_at;
  ++entry.places;
  return true;
}

void RunningUses::extended(const Id128& token, const Executor& executor) {
  std::shared_ptr<Timer> timer;
  {
    std::lock_guard lock(mutex_);
    Running& entry = running_[token];
    ++entry.accepted;
    entry.extended_at = clock_.now();
    if (sweeping_ || closing_) return;
    sweeping_ = true;
    home_ = executor;
    timer_ = clock_.make_timer(executor);
  }
  if (!spawn(executor, gate_, sweep(), "token renewal")) {
    std::lock_guard lock(mutex_);
    sweeping_ = false;
  }
}

void RunningUses::leave(const Id128& token, bool accepted) {
  std::lock_guard lock(mutex_);
  auto it = running_.find(token);
  MAS_ASSERT(it != running_.end() && it->second.places > 0);
  Running& entry = it->second;
  --entry.places;
  if (accepted) {
    --entry.accepted;
    entry.owed |= clock_.now() - entry.extended_at >= options_.renew_every / kShortPart;
  }
  if (entry.places == 0 && !entry.owed) running_.erase(it);
}

Task<void> RunningUses::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    if (sweeping_) {
      auto cancel = [timer = timer_] { timer->cancel(); };
      boost::asio::post(home_, cancel);
    }
  }
  co_await gate_.close();
}

Task<void> RunningUses::sweep() {
  while (true) {
    bool go_on = co_await next_round();
    if (!go_on || nothing_left()) break;
    std::vector<Renewal> renewals = due();
    for (const Renewal& renewal : renewals) co_await renew(renewal);
  }
}

Task<bool> RunningUses::next_round() {
  std::shared_ptr<Timer> timer;
  {
    // close() cancels on this thread, after this flag: no wait begins once it is up.
    std::lock_guard lock(mutex_);
    if (closing_) {
      sweeping_ = false;
      co_return false;
    }
    timer = timer_;
  }
  bool passed = co_await timer->wait(options_.renew_every);
  if (!passed) {
    std::lock_guard lock(mutex_);
    sweeping_ = false;
  }
  co_return passed;
}

bool RunningUses::nothing_left() {
  std::lock_guard lock(mutex_);
  if (!running_.empty()) return false;
  sweeping_ = false;
  return true;
}

std::vector<RunningUses::Renewal> RunningUses::due() {
  std::lock_guard lock(mutex_);
  std::vector<Renewal> renewals;
  for (const auto& [token, entry] : running_) {
    if (entry.accepted > 0 || entry.owed) renewals.push_back({token, entry.issued_at});
  }
  return renewals;
}

Task<void> RunningUses::renew(Renewal renewal) {
  auto renewing = contain(ledger_.renew(renewal.token, renewal.issued_at), "token renewal");
  auto renewed = co_await std::move(renewing);
  if (renewed.has_error() && log::once_a_minute("token renewal")) {
    log::warn("a running token could not be renewed", {{"error", renewed.error()}});
  }
  std::lock_guard lock(mutex_);
  auto it = running_.find(renewal.token);
  if (it == running_.end()) co_return;
  it->second.extended_at = clock_.now();
  it->second.owed = false;
  if (it->second.places == 0) running_.erase(it);
}

}  // namespace mas::auth
