#include "api/abandoned.h"

#include <algorithm>

namespace mas::api {
namespace {

constexpr std::size_t kMostAccounts = 100'000;  // some 30 MB
constexpr int kBatches = 16;                    // within the memory
// Until what is overdue is asked for again.
constexpr Duration kOverdue = std::chrono::minutes(1);

}  // namespace

Duration AbandonedBook::wait(const TokenAndHash& key, std::uint64_t bound, Instant now) {
  std::lock_guard lock(mutex_);
  auto at = by_key_.find(key);
  if (at == by_key_.end()) return Duration::zero();
  Account& account = at->second->second;
  forget(account, now);
  std::uint64_t left = account.bytes;
  for (const Batch& batch : account.batches) {
    if (left < bound) return Duration::zero();
    left -= batch.bytes;
    if (left < bound) return now < end_of(batch) ? end_of(batch) - now : kOverdue;
  }
  return Duration::zero();
}

void AbandonedBook::add(const TokenAndHash& key, std::uint64_t bytes, Instant now) {
  if (bytes == 0) return;
  std::lock_guard lock(mutex_);
  put(account(key), bytes, now);
}

void AbandonedBook::part(const TokenAndHash& key, std::uint64_t bytes, std::uint64_t stored,
                         Instant now) {
  std::lock_guard lock(mutex_);
  Account& one = account(key);
  if (!one.most) one.most = stored - std::min(stored, bytes);
  const std::uint64_t grown = stored - std::min(stored, *one.most);
  one.most = std::max(*one.most, stored);
  // Of parts that are recorded at once the later one's sum may be told first.
  const std::uint64_t kept = grown + one.ahead;
  one.ahead = kept - std::min(kept, bytes);
  put(one, bytes - std::min(bytes, kept), now);
}

void AbandonedBook::session(const TokenAndHash& key, std::uint64_t stored) {
  std::lock_guard lock(mutex_);
  Account& one = account(key);
  one.most = stored;
  one.ahead = 0;
}

AbandonedBook::Account& AbandonedBook::account(const TokenAndHash& key) {
  auto at = by_key_.find(key);
  if (at != by_key_.end()) {
    accounts_.splice(accounts_.begin(), accounts_, at->second);
    return accounts_.front().second;
  }
  if (accounts_.size() == kMostAccounts) {
    by_key_.erase(accounts_.back().first);
    accounts_.pop_back();
  }
  accounts_.emplace_front(key, Account());
  by_key_[key] = accounts_.begin();
  return accounts_.front().second;
}

bool AbandonedBook::is_gone(const Batch& batch, Instant now) const {
  if (now < end_of(batch)) return false;
  // The youngest of it came no later than that.
  return !gone_before_ || batch.at + memory_ / kBatches <= gone_before_();
}

void AbandonedBook::forget(Account& account, Instant now) const {
  while (!account.batches.empty() && is_gone(account.batches.front(), now)) {
    account.bytes -= account.batches.front().bytes;
    account.batches.pop_front();
  }
}

void AbandonedBook::put(Account& account, std::uint64_t bytes, Instant now) const {
  if (bytes == 0) return;
  forget(account, now);
  account.bytes += bytes;
  const bool joins =
      !account.batches.empty() && now - account.batches.back().at < memory_ / kBatches;
  if (!joins) account.batches.push_back({now, 0});
  account.batches.back().bytes += bytes;
}

}  // namespace mas::api
