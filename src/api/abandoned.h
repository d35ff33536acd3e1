// What one upload token has sent for its hash that was not kept: parts sent again with other bytes,
// bodies that were cut off or refused, sessions that were dropped. max_size bounds what is kept; of
// the rest the disk keeps a copy until collection removes it, so that it needs a bound of its own,
// or a client that sends again and again would fill the pod.
//
// In this pod's memory: each pod bounds what it takes itself, as each brings its own disks along.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "mas/core/ids.h"
#include "mas/runtime/clock.h"

namespace mas::api {

struct TokenAndHash {
  Id128 token;
  Hash hash;
  friend auto operator<=>(const TokenAndHash&, const TokenAndHash&) = default;
};

// Thread-safe.
class AbandonedBook : public std::enable_shared_from_this<AbandonedBook> {
 public:
  // `memory`: how long bytes count, which is longer than they stay on the disk where collection
  // keeps up. `gone_before`: what came to nothing before then is off the disk; what did later
  // counts on, however long ago that was. Null: only `memory` is gone by.
  explicit AbandonedBook(Duration memory, std::function<Instant()> gone_before = {})
      : memory_(memory), gone_before_(std::move(gone_before)) {}

  // How long `key` has to wait until fewer than `bound` bytes count; 0: it may send.
  [[nodiscard]] Duration wait(const TokenAndHash& key, std::uint64_t bound, Instant now);
  // `bytes` were sent and not kept.
  void add(const TokenAndHash& key, std::uint64_t bytes, Instant now);
  // A part of `bytes` was recorded; all parts of its session have `stored` bytes since. What the
  // session did not grow by took another part's place. Parts that are recorded at once may be told
  // in any order.
  void part(const TokenAndHash& key, std::uint64_t bytes, std::uint64_t stored, Instant now);
  // The session has this many bytes now.
  void session(const TokenAndHash& key, std::uint64_t stored);

 private:
  struct Batch {
    Instant at;
    std::uint64_t bytes = 0;
  };
  struct Account {
    std::deque<Batch> batches;          // by time
    std::uint64_t bytes = 0;            // of them
    std::optional<std::uint64_t> most;  // bytes that the session was seen to have
    std::uint64_t ahead = 0;            // it grew by parts that are not told yet
  };
  using Accounts = std::list<std::pair<TokenAndHash, Account>>;  // lately used first

  // Made if there is none; the one unused for longest goes where there are too many.
  Account& account(const TokenAndHash& key);
  // When `batch` counts no more, if it is off the disk by then.
  [[nodiscard]] Instant end_of(const Batch& batch) const { return batch.at + memory_; }
  [[nodiscard]] bool is_gone(const Batch& batch, Instant now) const;
  void forget(Account& account, Instant now) const;
  void put(Account& account, std::uint64_t bytes, Instant now) const;

  const Duration memory_;
  const std::function<Instant()> gone_before_;
  std::mutex mutex_;
  Accounts accounts_;
  std::map<TokenAndHash, Accounts::iterator> by_key_;
};

}  // namespace mas::api
