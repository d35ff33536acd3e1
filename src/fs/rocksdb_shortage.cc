#include "mas/fs/rocksdb_shortage.h"

#include <rocksdb/db.h>
#include <rocksdb/listener.h>

#include <atomic>

#include "fs/rocksdb_files.h"
#include "mas/fs/descriptors.h"
#include "mas/fs/rocksdb_env.h"

namespace mas::fs {

using rocksdb::BackgroundErrorReason;
using rocksdb::Status;

bool passes(const Status& status) { return status.IsNoSpace() || is_exhausted(status); }

struct RocksDbShortage::Lacks final : public rocksdb::EventListener {
  void OnBackgroundError(BackgroundErrorReason reason, Status* status) override {
    // That one RocksDB tries again by itself, and takes writes meanwhile.
    if (!passes(*status) || reason == BackgroundErrorReason::kCompaction) return;
    const bool by_writer = reason == BackgroundErrorReason::kWriteCallback ||
                           reason == BackgroundErrorReason::kMemTable;
    if (by_writer && status->IsNoSpace()) log_cut = true;
    (status->IsNoSpace() ? room : files) = true;
  }

  std::atomic<bool> files{false};
  std::atomic<bool> room{false};
  std::atomic<bool> log_cut{false};
};

RocksDbShortage::RocksDbShortage(Fs& fs, const std::string& directory)
    : fs_(fs), file_(directory + "/CURRENT"), lacks_(std::make_shared<Lacks>()) {}

std::shared_ptr<rocksdb::EventListener> RocksDbShortage::listener() const { return lacks_; }

Status RocksDbShortage::recover(rocksdb::DB& db) {
  const bool files = lacks_->files;
  if (!files && !lacks_->room) return Status::OK();
  // Resume() waits for compactions that are under way, of which one that lacks the same is tried
  // again and again.
  if (files && !can_open_files()) return exhausted_status("no file can be opened");
  // Before: what fails from here on is seen by the next call.
  lacks_->files = lacks_->room = false;
  const Status status = db.Resume();
  if (status.ok()) return status;
  (files ? lacks_->files : lacks_->room) = true;
  // Where it lacks room, RocksDB asks for some itself, every five seconds.
  return status.IsBusy() ? Status::NoSpace("RocksDB waits for room") : status;
}

bool RocksDbShortage::is_log_cut() const { return lacks_->log_cut; }

bool RocksDbShortage::can_open_files() const {
  const auto file = fs_.open(file_, OpenOptions());
  return file.has_value() || !is_exhausted(file.error());
}

}  // namespace mas::fs
