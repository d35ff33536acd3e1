#include "meta/write_queue.h"

#include <rocksdb/write_batch.h>

#include <exception>

#include "mas/core/units.h"
#include "mas/fs/descriptors.h"
#include "mas/fs/rocksdb_env.h"
#include "mas/fs/rocksdb_shortage.h"
#include "mas/observe/log.h"
#include "meta/rocks_reader.h"

namespace mas::meta {
namespace {

// Keeps one group's evaluation short beside its sync.
constexpr std::size_t kGroupLimit = 1024;
// Of the disk, for what RocksDB writes beside its log and others write meanwhile. Far less than the
// store keeps free for it.
constexpr std::uint64_t kRoomLeft = 1 * kMiB;

Error no_room() {
  return Error(Code::metadata_unavailable,
               "The disk has no room for metadata; it is written again once there is some.");
}

Error stopped() {
  return Error(Code::metadata_unavailable,
               "The metadata database failed to write and must be opened again.");
}

}  // namespace

WriteQueue::WriteQueue(const EmbeddedDb& opened, Pool& pool, std::size_t limit,
                       observe::Metrics& metrics)
    : opened_(opened),
      db_(*opened.db),
      pool_(pool),
      limit_(limit),
      writes_(metrics.counter("mas_meta_writes_total", "Metadata writes answered.")),
      groups_(metrics.counter("mas_meta_groups_total", "Batches metadata writes were synced in.")),
      broken_gauge_(metrics.gauge("mas_meta_broken", "1 after metadata could not be written.")),
      durable_(db_.GetSnapshot()) {}

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
    // There may be files again already.
    if (fs::is_exhausted(status)) status = write(changes.changes());
  } catch (const std::exception& e) {
    status = rocksdb::Status::Aborted(e.what());
  }
  if (!status.ok() && passes(status)) {
    const bool is_full = status.IsNoSpace();
    const char* event = is_full ? "meta.disk_full" : "meta.out_of_files";
    if (log::once_a_minute(event)) log::warn(event, {{"status", status.ToString()}});
    return fail_all(group, is_full ? no_room() : fs::exhausted());
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
  rocksdb::Status ready = prepare(batch.GetDataSize());
  if (!ready.ok()) return ready;
  rocksdb::WriteOptions options;
  options.sync = true;
  return db_.Write(options, &batch);
}

// A log that was cut short by a full disk takes nothing any more until the database is opened
// again, so it is not tried where it could happen.
rocksdb::Status WriteQueue::prepare(std::uint64_t bytes) {
  rocksdb::Status recovered = opened_.shortage->recover(db_);
  if (!recovered.ok()) return recovered;
  if (opened_.room() >= kRoomLeft + 2 * bytes) return recovered;
  return rocksdb::Status::NoSpace("not begun");
}

// RocksDB needed room or a file for something else first, so not a byte of the group was written.
bool WriteQueue::passes(const rocksdb::Status& status) const {
  return fs::passes(status) && !opened_.shortage->is_log_cut();
}

void WriteQueue::fail_all(const Group& group, const Error& error) {
  for (const auto& write : group) write->fail(error);
}

}  // namespace mas::meta
