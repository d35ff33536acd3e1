#include "meta/write_queue.h"

#include <rocksdb/write_batch.h>

#include <exception>

#include "mas/fs/descriptors.h"
#include "mas/fs/rocksdb_env.h"
#include "mas/observe/log.h"
#include "meta/rocks_reader.h"

namespace mas::meta {
namespace {

// Keeps one group's evaluation short beside its sync.
constexpr std::size_t kGroupLimit = 1024;

Error stopped() {
  return Error(Code::metadata_unavailable,
               "The metadata database failed to write and must be opened again.");
}

}  // namespace

WriteQueue::WriteQueue(rocksdb::DB& db, Pool& pool, std::size_t limit, observe::Metrics& metrics)
    : db_(db),
      pool_(pool),
      limit_(limit),
      writes_(metrics.counter("mas_meta_writes_total", "Metadata writes answered.")),
      groups_(metrics.counter("mas_meta_groups_total", "Batches metadata writes were synced in.")),
      broken_gauge_(metrics.gauge("mas_meta_broken", "1 after metadata could not be written.")),
      durable_(db.GetSnapshot()) {}

Result<void> WriteQueue::push(std::shared_ptr<QueuedWrite> write) {
  std::lock_guard lock(mutex_);
  if (broken_) return stopped();
  if (queue_.size() >= limit_) {
    return Error(Code::busy, "Too many metadata writes are waiting; try again shortly.");
  }
  if (!pass_) {
    auto pass = draining_.try_enter();
    if (!pass) return stopped();
    if (!pool_.submit(*this)) {
      return Error(Code::busy, "The server has too much queued work; try again shortly.");
    }
    pass_.emplace(std::move(*pass));
  }
  queue_.push_back(std::move(write));
  return {};
}

Result<void> WriteQueue::health() const {
  std::lock_guard lock(mutex_);
  if (broken_) return stopped();
  return {};
}

const rocksdb::Snapshot* WriteQueue::last_durable() const {
  std::lock_guard lock(mutex_);
  return broken_ ? durable_ : nullptr;
}

// Not taken when a write has failed: what RocksDB shows then is not known to be without it.
void WriteQueue::keep_durable() {
  db_.ReleaseSnapshot(durable_);
  durable_ = db_.GetSnapshot();
}

void WriteQueue::run() noexcept {
  // Leaves last: after that this queue may be gone.
  std::optional<Gate::Pass> pass;
  while (true) {
    Group group;
    {
      std::lock_guard lock(mutex_);
      group = take();
      if (group.empty()) {
        pass.emplace(std::move(*pass_));
        pass_.reset();
        return;
      }
    }
    commit(std::move(group));
  }
}

WriteQueue::Group WriteQueue::take() {
  Group group;
  while (!queue_.empty() && group.size() < kGroupLimit) {
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

void WriteQueue::commit(Group group) {
  if (health().has_error()) return fail_all(group, stopped());
  RocksReader reader(db_, RocksReader::Reach::disk);
  Transaction changes = Transaction::on(reader);
  rocksdb::Status status;
  try {
    std::erase_if(group, [&](const auto& write) { return !write->evaluate(changes); });
    status = write(changes.changes());
    if (fs::is_exhausted(status) && db_.Resume().ok()) status = write(changes.changes());
  } catch (const std::exception& e) {
    status = rocksdb::Status::Aborted(e.what());
  }
  if (!status.ok() && fs::is_exhausted(status)) {
    // RocksDB needed another file first, so not a byte of the group was written.
    if (log::once_a_minute("meta.out_of_files")) {
      log::warn("meta.out_of_files", {{"status", status.ToString()}});
    }
    return fail_all(group, fs::exhausted());
  }
  if (!status.ok()) {
    {
      std::lock_guard lock(mutex_);
      broken_ = true;
    }
    broken_gauge_.set(1);
    log::error("metadata writes have stopped", {{"status", status.ToString()}});
    Error error = stopped();
    // What was not changed may rest on another write of the group, so no answer stands.
    error.mark_maybe_happened();
    return fail_all(group, error);
  }
  if (!changes.changes().empty()) keep_durable();
  groups_.add();
  writes_.add(static_cast<double>(group.size()));
  for (const auto& write : group) write->finish();
}

rocksdb::Status WriteQueue::write(const Transaction::Changes& changes) {
  if (changes.empty()) return rocksdb::Status::OK();
  rocksdb::WriteBatch batch;
  for (const auto& [key, value] : changes) {
    rocksdb::Status status = value ? batch.Put(key, *value) : batch.Delete(key);
    if (!status.ok()) return status;
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  return db_.Write(options, &batch);
}

void WriteQueue::fail_all(const Group& group, const Error& error) {
  for (const auto& write : group) write->fail(error);
}

}  // namespace mas::meta
