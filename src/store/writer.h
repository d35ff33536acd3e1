// The one writer of a volume: group commit. Whatever waits becomes one frame: one positional write,
// one fdatasync, one index batch, and every waiter in it is answered. What arrives meanwhile is the
// next frame.
//
// It has no thread: it runs as a task of the disk pool for as long as there is something to write.
// Frame N + 1 is written only after N is synced. A failed write or sync is never retried: the
// volume stops writing for the rest of this life. What a shortage of room, descriptors or memory
// keeps it from beginning is refused, and the next frame is tried anew.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mas/runtime/pool.h"
#include "mas/runtime/sync.h"
#include "store/catalog.h"
#include "store/frame_builder.h"
#include "store/instruments.h"
#include "store/room.h"
#include "store/segments.h"
#include "store/versions.h"

namespace mas::store {

// Looked at when the frame is put together, when everything written earlier is in the index.
enum class When : std::uint8_t {
  always,
  key_present,       // a removal: nothing to do for a key that is not there
  key_absent,        // a tombstone's copy: a newer record makes it needless
  points_at_source,  // a copy, or a quarantine: only of the very record that was read
};

struct PendingRecord {
  RecordKey key;
  RecordType type = RecordType::payload;
  When when = When::always;
  std::vector<Slice> pieces;
  std::uint32_t length = 0;
  Sum128 sum;
  Location source;                // of points_at_source
  std::uint64_t version = 0;      // of copies; 0: a new one is given
  std::uint64_t first_place = 0;  // of copies
};

// What a caller waits on; `result` is set before `done`.
struct WriteWait {
  Event done;
  Result<void> result;
  std::size_t remaining = 0;  // records not answered yet; the queue's
};

class Writer final : public PoolTask, public std::enable_shared_from_this<Writer> {
 public:
  struct Limits {
    std::uint64_t frame_bytes = 0;
    std::uint32_t frame_records = 0;
    std::uint64_t queue_bytes = 0;
    std::uint64_t segment_size = 0;
  };
  // All must outlive the owner of this writer.
  struct Parts {
    Id128 volume;
    SegmentSet& segments;
    Catalog& catalog;
    Room& room;
    Pool& pool;
    Versions& versions;
    Instruments& instruments;
  };

  // `tail`: the end of the log. `active`: whether frames may be added to tail.segment.
  Writer(const Parts& parts, const Limits& limits, const Position& tail, bool active);

  // Takes the records, in order; wait->done is set when the last is durable, skipped or failed.
  // Copies go before everything else and do not count against the queue. Errors: busy, closed, io
  // (stopped).
  Result<void> enqueue(std::vector<PendingRecord> records, std::shared_ptr<WriteWait> wait,
                       bool copies = false);
  // After what is queued: a closing frame, and the index flushed. Nothing is taken any more.
  Result<void> close(std::shared_ptr<WriteWait> wait);
  // Writes nothing more in this life, because of `error`.
  void halt(const Error& error);
  // For the owner's destructor: waits for a frame at work, fails what is queued.
  void abandon();

  void run() noexcept override;

  // Why it does not write any more; "" while it does.
  [[nodiscard]] std::string stopped() const;
  [[nodiscard]] bool is_stopped() const noexcept { return is_stopped_.load(); }
  // Whether a record of `key` was in the frame that failed, which the next start may find, or in
  // one that waits for the index.
  [[nodiscard]] bool may_hold(const RecordKey& key) const;
  [[nodiscard]] std::uint64_t queued_bytes() const noexcept { return queued_bytes_.load(); }
  // Bytes left in the active segment, and its number (0: none).
  [[nodiscard]] std::uint64_t prepared() const noexcept { return prepared_.load(); }
  [[nodiscard]] std::uint64_t active_segment() const noexcept { return active_number_.load(); }

 private:
  struct Item {
    PendingRecord record;
    std::shared_ptr<WriteWait> wait;
  };
  using Batch = std::vector<Item>;

  bool start_locked();
  Batch take_batch_locked();
  void write_batch(Batch batch);
  Result<bool> wanted(const PendingRecord& record, const std::set<RecordKey>& fresh);
  Result<void> write_chosen(const Batch& batch);
  Result<std::vector<const Item*>> choose(const Batch& batch);
  Result<void> write_frame(const std::vector<const Item*>& items, std::uint32_t flags);
  Result<void> prepare_segment(std::uint64_t length);
  Error refuse(const Error& error);
  void seal_active();
  Result<void> commit(const Frame& frame, std::uint64_t next_version);
  Result<void> write_down(const Frame& frame);
  void note_uncertain(const Frame& frame);
  Result<void> catch_up();
  void forget_damaged(const Batch& batch);
  void finish_close(const std::shared_ptr<WriteWait>& wait);
  void stop(const Error& error);
  static void answer(const Item& item, const Result<void>& result);

  const Parts parts_;
  const Limits limits_;

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  std::deque<Item> copies_;
  std::deque<Item> queue_;
  std::shared_ptr<WriteWait> close_wait_;
  std::shared_ptr<Writer> self_;  // while submitted: the pool needs the task alive
  bool submitted_ = false;
  bool running_ = false;
  bool closing_ = false;
  bool abandoned_ = false;
  std::string stopped_;
  std::set<RecordKey> uncertain_;  // keys in the frame that failed, or waits for the index
  std::atomic<bool> is_stopped_{false};
  std::atomic<std::uint64_t> queued_bytes_{0};
  std::atomic<std::uint64_t> prepared_{0};
  std::atomic<std::uint64_t> active_number_{0};

  // The running task's own.
  std::unique_ptr<fs::File> active_;
  std::uint64_t active_size_ = 0;
  Position tail_;
  // A durable frame that the index lacked room, or a file, to take in. Nothing is done before it
  // has: what is decided next goes by the index.
  struct Unindexed {
    std::vector<IndexedRecord> records;
    Position end;
  };
  std::optional<Unindexed> unindexed_;
  bool written_ = false;  // a frame in this life
  bool open_active_;
};

}  // namespace mas::store
