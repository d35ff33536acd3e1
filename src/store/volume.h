// One data directory: its segments, index and writer, opened and recovered.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mas/runtime/task.h"
#include "mas/store/store.h"
#include "store/catalog.h"
#include "store/instruments.h"
#include "store/room.h"
#include "store/segments.h"
#include "store/unreadable.h"
#include "store/versions.h"
#include "store/volume_file.h"
#include "store/writer.h"

namespace mas::store {

// The size of new segments on a volume of `capacity` bytes.
[[nodiscard]] std::uint64_t segment_size_for(const config::Store& options, std::uint64_t capacity);

struct VolumeContext {
  const config::Store& options;
  const Dependencies& dependencies;
  Instruments& instruments;
  Versions& versions;
  std::size_t volumes = 1;  // data directories of the pod
};

// Thread-safe. Must not outlive what the context refers to.
class Volume {
 public:
  // Recovers what is below `directory`, whose lock is held; nothing is written to segments before
  // begin(). Blocking. Errors: io.
  static Result<std::unique_ptr<Volume>> open(const VolumeContext& context,
                                              const VolumePaths& paths, const Id128& id,
                                              std::unique_ptr<fs::FileLock> lock);
  ~Volume();
  Volume(const Volume&) = delete;
  Volume& operator=(const Volume&) = delete;

  // Once the versions of all volumes are known.
  void begin();
  // Every version in it is lower, as far as it could be read.
  [[nodiscard]] std::uint64_t next_version() const noexcept { return next_version_; }
  // Something in it could not be read: it may hold higher versions.
  [[nodiscard]] bool has_lost_versions() const noexcept { return versions_lost_; }

  [[nodiscard]] const Id128& id() const noexcept { return id_; }
  [[nodiscard]] const VolumePaths& paths() const noexcept { return paths_; }
  [[nodiscard]] const std::string& directory() const noexcept { return paths_.directory; }
  [[nodiscard]] SegmentSet& segments() noexcept { return segments_; }
  [[nodiscard]] Catalog& catalog() noexcept { return *catalog_; }
  [[nodiscard]] Writer& writer() noexcept { return *writer_; }
  [[nodiscard]] Room& room() noexcept { return room_; }
  [[nodiscard]] Unreadable& unreadable() noexcept { return unreadable_records_; }

  [[nodiscard]] bool is_stopped() const noexcept { return writer_->is_stopped(); }
  // Takes new records.
  [[nodiscard]] bool is_healthy() const noexcept {
    return !is_stopped() && !unreadable_records_.is_gone();
  }
  // After an error of a read: true if the disk gives nothing at all, and from now on the volume
  // shows nothing. Blocking.
  bool judge_gone(const Error& error);
  // Shows again what a disk that has gone holds, if it answers. Blocking.
  void look_if_back();
  // The disk does not give this record: it is not shown any more.
  void set_aside(const RecordKey& key, const Location& location, const Error& error);
  // A segment's file is not there: neither it nor any other of which that is true is shown any
  // more. Blocking.
  void note_vanished();
  // Something was to be removed from it that it cannot remove in this life: said once in the log,
  // and from then on where it is said why it has stopped.
  void note_kept();
  // Bytes that new shards may still take.
  [[nodiscard]] std::uint64_t left() const;
  void add_to(Usage& usage) const;

  // Queues the records and resumes when they are answered. Errors: as Writer.
  Task<Result<void>> write(std::vector<PendingRecord> records, bool copies = false);
  // See Store::read. `location` is where the index says; not_found if it is not there any more, or
  // cannot be read and is not shown any more. Errors also: io (the disk has gone).
  Task<Result<Slice>> read(RecordKey key, Location location, std::uint64_t offset,
                           std::uint32_t length);
  // Forgets the record if it is still the one at `location`.
  Task<Result<void>> quarantine(RecordKey key, Location location);
  // One at a time; false also while another is at work.
  Task<Result<bool>> compact_one();
  Task<Result<void>> close();

  [[nodiscard]] std::uint64_t quarantined() const noexcept { return quarantined_.load(); }
  void count_quarantined(std::uint64_t records);

 private:
  Volume(const VolumeContext& context, const VolumePaths& paths, const Id128& id,
         std::unique_ptr<fs::FileLock> lock, std::uint64_t segment_size);
  Result<void> recover(const config::Store& options, const Dependencies& dependencies,
                       std::uint64_t segment_size, Versions& versions);
  Result<void> open_index(const config::Store& options, const Dependencies& dependencies);
  Result<void> forget_missing_segments();
  Result<void> read_from_disk(const RecordKey& key, const Location& location,
                              std::uint64_t position, MutableBytes into);
  [[nodiscard]] std::optional<SegmentInfo> emptiest_segment();
  Task<Result<void>> compact(SegmentInfo source);

  fs::Fs& fs_;
  Pool& disk_;
  Instruments& instruments_;
  const VolumePaths paths_;
  const Id128 id_;
  const double compact_below_;
  const std::uint64_t segment_size_;
  const std::uint64_t chunk_bytes_;
  const std::uint32_t open_tables_;
  std::unique_ptr<fs::FileLock> lock_;
  SegmentSet segments_;
  Room room_;
  std::unique_ptr<Catalog> catalog_;
  std::shared_ptr<Writer> writer_;
  Unreadable unreadable_records_;
  std::vector<RecordKey> to_hide_;  // by begin()
  std::uint64_t next_version_ = 1;
  bool versions_lost_ = false;
  std::atomic<std::uint64_t> quarantined_{0};
  std::atomic<bool> compacting_{false};
  std::atomic<bool> keeps_removed_{false};
  std::set<std::uint64_t> unreadable_;  // segments that compaction gave up; its own
};

// The volume with room for `bytes` that a record of `key` goes to; null if there is none. Says
// whether any takes records at all.
[[nodiscard]] Volume* choose_volume(const std::vector<std::unique_ptr<Volume>>& volumes,
                                    const RecordKey& key, std::uint64_t bytes, bool& any_healthy);

}  // namespace mas::store
