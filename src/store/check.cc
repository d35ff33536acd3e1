// `mas check`: the walk of recovery over a whole volume, with every payload verified and nothing
// changed.
#include <algorithm>
#include <map>

#include "mas/store/directories.h"
#include "store/frame_walker.h"
#include "store/index.h"
#include "store/inventory.h"
#include "store/segments.h"
#include "store/volume_file.h"

namespace mas::store {
namespace {

class Checker {
 public:
  Checker(fs::Fs& fs, CheckReport& report,
          const std::function<void(std::uint64_t, std::uint64_t)>& progress)
      : fs_(fs), report_(report), progress_(progress) {}

  Result<void> check_volume(const VolumePaths& paths, const Id128& volume);
  void expect(std::uint64_t bytes) { total_ += bytes; }
  std::vector<CheckedRecord> inventory() && { return std::move(inventory_).settle(); }

 private:
  struct Damaged {
    std::uint64_t version = 0;
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    std::string sentence;
  };

  Result<void> check_segment(SegmentSet& segments, const SegmentInfo& segment, bool is_newest);
  void note_unreadable(const Error& error);
  Result<void> check_frame(fs::File& file, const WalkedFrame& frame, std::vector<std::string>& bad);
  void settle_tail(const SegmentInfo& segment, const FrameWalker& walker, const WalkedFrame* last,
                   const std::vector<std::string>& bad, std::size_t damaged_before,
                   std::size_t counted_before);
  void check_order(const SegmentInfo& segment);
  Result<void> excuse_superseded(SegmentSet& segments);
  [[nodiscard]] std::string at(std::uint64_t offset) const;
  [[nodiscard]] bool is_indexed(std::uint64_t segment, std::uint64_t end) const;

  fs::Fs& fs_;
  CheckReport& report_;
  const std::function<void(std::uint64_t, std::uint64_t)>& progress_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
  std::string file_name_;
  Id128 volume_;
  std::size_t volume_number_ = 0;
  Inventory inventory_;
  Position indexed_;
  std::uint64_t last_frame_ = 0;
  std::uint64_t last_segment_ = 0;
  std::vector<std::pair<RecordKey, Damaged>> damaged_;
};

std::string Checker::at(std::uint64_t offset) const {
  return file_name_ + " at offset " + std::to_string(offset) + ": ";
}

bool Checker::is_indexed(std::uint64_t segment, std::uint64_t end) const {
  return segment < indexed_.segment || (segment == indexed_.segment && end <= indexed_.offset);
}

Result<void> Checker::check_volume(const VolumePaths& paths, const Id128& volume) {
  volume_ = volume;
  last_frame_ = last_segment_ = 0;
  damaged_.clear();
  auto indexed = read_index_position(fs_, paths.index, volume);
  indexed_ = indexed.has_value() ? *indexed : Position();
  if (indexed.has_error()) {
    report_.notes.push_back(paths.index +
                            ": The index cannot be read; the next start makes it anew.");
  }
  SegmentSet segments(fs_, paths.segments, volume);
  MAS_CHECK(segments.load());
  const std::vector<SegmentInfo> all = segments.list();
  for (const SegmentInfo& segment : all) {
    file_name_ = paths.segments + "/" + segment_file_name(segment.number);
    Result<void> checked = check_segment(segments, segment, segment.number == all.back().number);
    if (checked.has_error()) note_unreadable(checked.error());
    done_ += segment.size;
    if (progress_) progress_(done_, total_);
  }
  if (indexed_.segment != 0 && !segments.find(indexed_.segment)) {
    report_.problems.push_back(paths.segments + ": Segment " + std::to_string(indexed_.segment) +
                               ", which the index knows, is missing.");
  }
  MAS_CHECK(excuse_superseded(segments));
  for (const auto& [key, damaged] : damaged_) report_.problems.push_back(damaged.sentence);
  ++volume_number_;
  return {};
}

void Checker::note_unreadable(const Error& error) {
  report_.problems.push_back(file_name_ + ": It cannot be read: " + error.message() + ".");
}

void Checker::check_order(const SegmentInfo& segment) {
  // Between neighbours only: compaction leaves gaps where it removed a segment.
  const bool is_neighbour = segment.number == last_segment_ + 1 && last_frame_ != 0;
  if (is_neighbour && segment.header_ok && segment.first_frame > last_frame_ + 1) {
    report_.problems.push_back(file_name_ + ": Frames " + std::to_string(last_frame_ + 1) + " to " +
                               std::to_string(segment.first_frame - 1) +
                               " are missing before this segment.");
  }
}

Result<void> Checker::check_segment(SegmentSet& segments, const SegmentInfo& segment,
                                    bool is_newest) {
  ++report_.segments;
  MAS_TRY(auto file, segments.open_direct(segment.number));
  FrameWalker walker(*file, {volume_, segment.number}, kSegmentHeaderSize, segment.size,
                     last_frame_, OnUnreadable::skip);
  std::optional<WalkedFrame> last;
  std::vector<std::string> bad;
  std::size_t damaged_before = 0;
  std::size_t counted_before = inventory_.mark();
  for (;;) {
    auto frame_or = walker.next();
    if (frame_or.has_error()) note_unreadable(frame_or.error());
    if (frame_or.has_error() || !*frame_or) break;
    std::optional<WalkedFrame> frame = *std::move(frame_or);
    // What was bad in a frame that another follows is a problem; of the last one it depends.
    report_.problems.insert(report_.problems.end(), bad.begin(), bad.end());
    bad.clear();
    damaged_before = damaged_.size();
    counted_before = inventory_.mark();
    MAS_CHECK(check_frame(*file, *frame, bad));
    last = std::move(frame);
  }
  if (walker.unreadable() > 0) {
    report_.problems.push_back(file_name_ + ": " + std::to_string(walker.unreadable()) +
                               " reads of its headers failed.");
  }
  const bool is_empty = !last && walker.dirty_end() == walker.position();
  if (!segment.header_ok && !segment.unreadable && is_newest && is_empty &&
      !is_indexed(segment.number, 0)) {
    report_.notes.push_back(file_name_ +
                            ": A segment whose making was interrupted; the next start removes it.");
    return {};
  }
  if (!segment.header_ok) {
    report_.problems.push_back(file_name_ + (segment.unreadable
                                                 ? ": The segment header cannot be read."
                                                 : ": The segment header is damaged."));
  }
  check_order(segment);
  if (is_newest && !segment.unreadable && walker.unreadable() == 0) {
    settle_tail(segment, walker, last ? &*last : nullptr, bad, damaged_before, counted_before);
  } else {
    report_.problems.insert(report_.problems.end(), bad.begin(), bad.end());
    if (walker.dirty_end() > walker.position()) {
      report_.problems.push_back(at(walker.position()) + "Damaged up to offset " +
                                 std::to_string(walker.dirty_end()) + ".");
    }
  }
  last_segment_ = segment.number;
  last_frame_ =
      std::max(walker.last_frame(), segment.first_frame > 0 ? segment.first_frame - 1 : 0);
  return {};
}

Result<void> Checker::check_frame(fs::File& file, const WalkedFrame& frame,
                                  std::vector<std::string>& bad) {
  ++report_.frames;
  if (!frame.header_ok) {
    bad.push_back(at(frame.offset) + "A frame's header is damaged; of its records " +
                  std::to_string(frame.records.size()) + " can still be read.");
  } else if (frame.bad_records > 0) {
    bad.push_back(at(frame.offset) + std::to_string(frame.bad_records) +
                  " record headers of a frame are damaged.");
  }
  BlockReader reader(file, 1024 * 1024);
  for (const IndexedRecord& record : frame.records) {
    ++report_.records;
    const bool is_payload = record.type == RecordType::payload;
    Result<bool> matches = true;
    if (is_payload) {
      report_.bytes += record.location.length;
      matches = payload_matches(reader, record.location);
    }
    const bool is_sound = matches.has_value() && *matches;
    inventory_.add(volume_number_, record, is_sound);
    if (is_sound) continue;
    damaged_.emplace_back(
        record.key,
        Damaged{record.location.version, record.location.segment, record.location.header,
                at(record.location.payload) + "The bytes of " + describe(record.key) +
                    (matches.has_error() ? " cannot be read." : " do not match their checksum.")});
  }
  return {};
}

// The same decision as Recovery's.
void Checker::settle_tail(const SegmentInfo& segment, const FrameWalker& walker,
                          const WalkedFrame* last, const std::vector<std::string>& bad,
                          std::size_t damaged_before, std::size_t counted_before) {
  const bool is_dirty = walker.dirty_end() > walker.position();
  if (is_dirty) {
    report_.notes.push_back(at(walker.position()) +
                            "An unfinished frame, which the next start cuts off.");
  }
  const bool is_whole = bad.empty() && damaged_.size() == damaged_before;
  if (last && !is_whole && !is_dirty && last->header_ok &&
      !is_indexed(segment.number, last->offset + last->length)) {
    report_.notes.push_back(at(last->offset) +
                            "An unfinished frame, which the next start cuts off.");
    damaged_.resize(damaged_before);
    inventory_.take_back(counted_before);
    return;
  }
  report_.problems.insert(report_.problems.end(), bad.begin(), bad.end());
}

// A damaged record that a newer one replaced, or that was copied elsewhere, is no loss.
Result<void> Checker::excuse_superseded(SegmentSet& segments) {
  if (damaged_.empty()) return {};
  std::multimap<RecordKey, std::size_t> wanted;
  for (std::size_t i = 0; i < damaged_.size(); ++i) wanted.emplace(damaged_[i].first, i);
  std::vector<bool> excused(damaged_.size(), false);
  auto is_damaged = [&](const IndexedRecord& record) {
    return std::any_of(damaged_.begin(), damaged_.end(), [&](const auto& other) {
      return other.second.segment == record.location.segment &&
             other.second.offset == record.location.header;
    });
  };
  for (const SegmentInfo& segment : segments.list()) {
    auto file = segments.open_direct(segment.number);
    if (file.has_error()) continue;  // it has been said
    FrameWalker walker(**file, {volume_, segment.number}, kSegmentHeaderSize, segment.size, 0,
                       OnUnreadable::skip);
    for (;;) {
      auto next = walker.next();
      if (next.has_error() || !*next) break;
      const std::optional<WalkedFrame> frame = *std::move(next);
      for (const IndexedRecord& record : frame->records) {
        auto [first, end] = wanted.equal_range(record.key);
        if (first == end || is_damaged(record)) continue;
        for (; first != end; ++first) {
          if (record.location.version >= damaged_[first->second].second.version) {
            excused[first->second] = true;
          }
        }
      }
    }
  }
  std::vector<std::pair<RecordKey, Damaged>> left;
  for (std::size_t i = 0; i < damaged_.size(); ++i) {
    if (excused[i]) {
      report_.notes.push_back(damaged_[i].second.sentence + " A newer record has replaced it.");
    } else {
      left.push_back(std::move(damaged_[i]));
    }
  }
  damaged_ = std::move(left);
  return {};
}

struct Opened {
  VolumePaths paths;
  VolumeIdentity identity;
  std::unique_ptr<fs::FileLock> lock;
};

// What the directories know of each other and these are not.
void check_set(const std::vector<Opened>& volumes, const std::vector<std::string>& empty,
               CheckReport& report) {
  const VolumeIdentity* newest = &volumes.front().identity;
  for (const Opened& opened : volumes) {
    if (opened.identity.set != volumes.front().identity.set) {
      report.problems.push_back(opened.paths.directory + ": It belongs to another pod's store.");
    } else if (opened.identity.revision > newest->revision) {
      newest = &opened.identity;
    }
  }
  for (const std::string& directory : empty) {
    report.problems.push_back(directory +
                              ": This data directory is empty, though others of the pod are not.");
  }
  for (const SetMember& member : newest->members) {
    const bool is_there = std::any_of(volumes.begin(), volumes.end(), [&](const Opened& opened) {
      return opened.identity.volume == member.volume;
    });
    if (is_there) continue;
    report.problems.push_back(member.path + ": This data directory of the pod (volume " +
                              member.volume.hex() + ") is not among those named, or was emptied.");
  }
}

Result<std::vector<Opened>> open_all(fs::Fs& fs, const std::vector<std::string>& directories,
                                     std::vector<std::string>& empty,
                                     std::vector<std::string>& notes) {
  std::vector<Opened> volumes;
  for (const std::string& directory : directories) {
    const VolumePaths paths(directory);
    MAS_TRY(auto identity, read_identity(fs, paths));
    if (!identity) {
      empty.push_back(directory);
      continue;
    }
    if (identity->needs_writing) {
      notes.push_back(paths.identity +
                      ": It or its copy is missing or damaged; the next start "
                      "writes both anew.");
    }
    auto lock = fs.lock(paths.lock);
    if (lock.has_error()) return lock.error().with_context(directory);
    volumes.push_back({paths, *identity, std::move(*lock)});
  }
  if (!volumes.empty()) return volumes;
  return Error(Code::not_found, directories.front() + ": There is no store of mas here.");
}

}  // namespace

Result<CheckedStore> check_and_list(
    fs::Fs& fs, const std::vector<std::string>& directories,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  CheckedStore checked;
  CheckReport& report = checked.report;
  Checker checker(fs, report, progress);
  std::vector<std::string> empty;
  MAS_TRY(const std::vector<Opened> volumes, open_all(fs, directories, empty, report.notes));
  check_set(volumes, empty, report);
  for (const Opened& opened : volumes) {
    MAS_TRY(auto names, fs.list(opened.paths.segments));
    for (const std::string& name : names) {
      if (!parse_segment_file_name(name)) continue;
      auto file = fs.open(opened.paths.segments + "/" + name, {});
      if (file.has_error()) continue;  // it will be said
      MAS_TRY(const std::uint64_t size, (*file)->size());
      checker.expect(size);
    }
  }
  for (const Opened& opened : volumes) {
    MAS_CHECK(checker.check_volume(opened.paths, opened.identity.volume));
  }
  checked.inventory = std::move(checker).inventory();
  return checked;
}

Result<CheckReport> check(
    fs::Fs& fs, const std::vector<std::string>& directories,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  MAS_TRY(CheckedStore checked, check_and_list(fs, directories, progress));
  return std::move(checked.report);
}

}  // namespace mas::store
