// Group commit: writes that wait become one RocksDB batch with one sync, which answers all of them.
//
// One pool task drains the queue, so conditions are checked and applied by one thread at a time:
// compare-and-set needs no lock and cannot race. A finished write is durable. Where the disk has no
// room for a batch, or RocksDB no file, nothing of it is written, and it passes. After a batch that
// failed otherwise nothing more is written until the database is opened again.
#pragma once

#include <rocksdb/db.h>

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "mas/observe/metrics.h"
#include "mas/runtime/pool.h"
#include "mas/runtime/sync.h"
#include "meta/call.h"
#include "meta/embedded_db.h"
#include "meta/key_value.h"

namespace mas::meta {

// A write in the queue. Its methods run on the pool, one after the other.
class QueuedWrite {
 public:
  virtual ~QueuedWrite() = default;
  // Works its answer out on top of the group's changes so far, and adds its own if it succeeds.
  // False if its caller has left.
  virtual bool evaluate(Transaction& group) = 0;
  // The group is durable: the answer worked out is given.
  virtual void finish() = 0;
  // Instead of finish().
  virtual void fail(const Error& error) = 0;
};

class WriteQueue final : private PoolTask {
 public:
  // `opened` outlives this.
  WriteQueue(const EmbeddedDb& opened, Pool& pool, std::size_t limit, observe::Metrics& metrics);
  ~WriteQueue() override { db_.ReleaseSnapshot(durable_); }
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  // Errors: busy (nothing was queued), metadata_unavailable (an earlier batch failed). The write
  // itself may fail with these as well: busy, no file was to be had; metadata_unavailable, no room.
  Result<void> push(std::shared_ptr<QueuedWrite> write);
  // Whether writes are still taken.
  Result<void> health() const;
  // Null while they are; then the state that the last good sync left. Lives as long as this.
  const rocksdb::Snapshot* last_durable() const;
  // Lets nothing in any more and resumes when the pool has finished with the queue.
  Task<void> close() { return draining_.close(); }

 private:
  using Group = std::vector<std::shared_ptr<QueuedWrite>>;
  void run() noexcept override;
  // The next writes, or nothing: then the pool is done here.
  Group take();
  void commit(Group group);
  rocksdb::Status write(const Transaction::Changes& changes);
  rocksdb::Status prepare(std::uint64_t bytes);
  [[nodiscard]] bool passes(const rocksdb::Status& status) const;
  void keep_durable();
  void fail_all(const Group& group, const Error& error);

  const EmbeddedDb& opened_;
  rocksdb::DB& db_;
  Pool& pool_;
  std::size_t limit_;
  observe::Counter& writes_;
  observe::Counter& groups_;
  observe::Gauge& broken_gauge_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<QueuedWrite>> queue_;
  bool broken_ = false;
  const rocksdb::Snapshot* durable_;  // the pool task's, until broken_
  std::optional<Gate::Pass> pass_;    // held while the pool has this task
  Gate draining_;
};

// A write whose answer is R (a Result) and whose work is `op`: R(Transaction&).
template <class R, class F>
class WriteCall final : public Call<R>, public QueuedWrite {
 public:
  explicit WriteCall(F op) : op_(std::move(op)) {}

  bool evaluate(Transaction& group) override {
    if (!this->start()) return false;
    Transaction mine = Transaction::on(group);
    answer_.emplace(op_(mine));
    if (answer_->has_value()) group.merge(std::move(mine));
    return true;
  }
  void finish() override { this->settle(std::move(*answer_)); }
  void fail(const Error& error) override { this->settle(error); }

 private:
  F op_;
  std::optional<R> answer_;
};

}  // namespace mas::meta
