// `mas check`: the walk of recovery over a whole volume, with every payload verified and nothing
// changed.
#include <algorithm>
#include <map>

#include "mas/store/store.h"
#include "store/frame_walker.h"
#include "store/index.h"
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

 private:
  struct Damaged {
    std::uint64_t version = 0;
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    std::string sentence;
  };

  Result<void> check_segment(SegmentSet& segments, const SegmentInfo& segment, bool is_newest);
  Result<void> check_frame(fs::File& file, const WalkedFrame& frame, std::vector<std::string>& bad);
  void settle_tail(const SegmentInfo& segment, const FrameWalker& walker, const WalkedFrame* last,
                   const std::vector<std::string>& bad, std::size_t damaged_before);
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
    MAS_CHECK(check_segment(segments, segment, segment.number == all.back().number));
    done_ += segment.size;
    if (progress_) progress_(done_, total_);
  }
  if (indexed_.segment != 0 && !segments.find(indexed_.segment)) {
    report_.problems.push_back(paths.segments + ": Segment " + std::to_string(indexed_.segment) +
                               ", which the index knows, is missing.");
  }
  MAS_CHECK(excuse_superseded(segments));
  for (const auto& [key, damaged] : damaged_) report_.problems.push_back(damaged.sentence);
  return {};
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
                     last_frame_);
  std::optional<WalkedFrame> last;
  std::vector<std::string> bad;
  std::size_t damaged_before = 0;
  for (;;) {
    MAS_TRY(auto frame, walker.next());
    if (!frame) break;
    // What was bad in a frame that another follows is a problem; of the last one it depends.
    report_.problems.insert(report_.problems.end(), bad.begin(), bad.end());
    bad.clear();
    damaged_before = damaged_.size();
    MAS_CHECK(check_frame(*file, *frame, bad));
    last = std::move(frame);
  }
  const bool is_empty = !last && walker.dirty_end() == walker.position();
  if (!segment.header_ok && is_newest && is_empty && !is_indexed(segment.number, 0)) {
    report_.notes.push_back(file_name_ +
                            ": A segment whose making was interrupted; the next start removes it.");
    return {};
  }
  if (!segment.header_ok) {
    report_.problems.push_back(file_name_ + ": The segment header is damaged.");
  }
  check_order(segment);
  if (is_newest) {
    settle_tail(segment, walker, last ? &*last : nullptr, bad, damaged_before);
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
    if (record.type != RecordType::payload) continue;
    report_.bytes += record.location.length;
    MAS_TRY(const bool matches, payload_matches(reader, record.location));
    if (matches) continue;
    damaged_.emplace_back(
        record.key,
        Damaged{record.location.version, record.location.segment, record.location.header,
                at(record.location.payload) + "The bytes of " + describe(record.key) +
                    " do not match their checksum."});
  }
  return {};
}

// The same decision as Recovery's.
void Checker::settle_tail(const SegmentInfo& segment, const FrameWalker& walker,
                          const WalkedFrame* last, const std::vector<std::string>& bad,
                          std::size_t damaged_before) {
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
    MAS_TRY(auto file, segments.open_direct(segment.number));
    FrameWalker walker(*file, {volume_, segment.number}, kSegmentHeaderSize, segment.size, 0);
    for (;;) {
      MAS_TRY(auto frame, walker.next());
      if (!frame) break;
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

}  // namespace

Result<CheckReport> check(
    fs::Fs& fs, const std::vector<std::string>& directories,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  CheckReport report;
  Checker checker(fs, report, progress);
  struct Opened {
    VolumePaths paths;
    VolumeIdentity identity;
    std::unique_ptr<fs::FileLock> lock;
  };
  std::vector<Opened> volumes;
  for (const std::string& directory : directories) {
    const VolumePaths paths(directory);
    MAS_TRY(auto identity, read_identity(fs, paths));
    if (!identity) return Error(Code::not_found, directory + ": There is no store of mas here.");
    auto lock = fs.lock(paths.lock);
    if (lock.has_error()) return lock.error().with_context(directory);
    if (!volumes.empty() && volumes.front().identity.set != identity->set) {
      report.problems.push_back(directory + ": It belongs to another pod's store.");
    }
    MAS_TRY(auto names, fs.list(paths.segments));
    for (const std::string& name : names) {
      if (!parse_segment_file_name(name)) continue;
      MAS_TRY(auto file, fs.open(paths.segments + "/" + name, {}));
      MAS_TRY(const std::uint64_t size, file->size());
      checker.expect(size);
    }
    volumes.push_back({paths, *identity, std::move(*lock)});
  }
  for (const Opened& opened : volumes) {
    MAS_CHECK(checker.check_volume(opened.paths, opened.identity.volume));
  }
  return report;
}

}  // namespace mas::store
