// The segment files of one volume: names, creation, removal, and the descriptors reads go through.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mas/core/result.h"
#include "mas/fs/fs.h"
#include "store/format.h"

namespace mas::store {

inline constexpr std::uint64_t kSmallestSegment = 16 << 20;

// "00000000000000a1.seg" for 161, and back; numbers count from 1.
[[nodiscard]] std::string segment_file_name(std::uint64_t number);
[[nodiscard]] std::optional<std::uint64_t> parse_segment_file_name(std::string_view name);

// The size of a volume's next segment, where at most `largest` are wanted and its segments are
// `used` bytes: 16 MiB at first, then as much as is stored already. So what is preallocated is
// never much more than what is stored, and there are soon no more segments than without this.
[[nodiscard]] std::uint64_t next_segment_size(std::uint64_t largest, std::uint64_t used);

struct SegmentInfo {
  std::uint64_t number = 0;
  std::uint64_t first_frame = 0;  // 0 if the header is damaged: older than any frame
  std::uint64_t next_version = 0;
  std::uint64_t size = 0;     // bytes of the file
  std::uint64_t planned = 0;  // the size it was created with, if the header tells
  std::uint64_t end = 0;      // where the next frame would go
  bool header_ok = false;
  bool unreadable = false;  // the disk did not give its header: what it was is not known
};

// Thread-safe, but for create and remove, which come from one thread at a time.
class SegmentSet {
 public:
  // `most_readers`: descriptors kept open for reads.
  SegmentSet(fs::Fs& fs, std::string directory, const Id128& volume,
             std::size_t most_readers = 512);

  // Finds the files of earlier lives and reads their headers. A segment whose header the disk does
  // not give is in the list all the same, so that its number stays reserved. Errors: io, if the
  // directory cannot be listed, or the disk gives nothing at all; corrupt, if a file says that it
  // is another volume's or another one of this: what the index knows would be read from it, found
  // damaged and removed.
  Result<void> load();
  // Whether the disk gives any block of the segments, asked past the cache here and there. That a
  // file is not there is an answer too. Blocking.
  [[nodiscard]] bool answers();
  [[nodiscard]] std::vector<SegmentInfo> list() const;  // by number
  [[nodiscard]] std::optional<SegmentInfo> find(std::uint64_t number) const;
  [[nodiscard]] std::size_t count() const;
  // Bytes of all of them up to their ends.
  [[nodiscard]] std::uint64_t used() const;
  // Those in the list that are not in the directory. Blocking. Errors: io.
  Result<std::vector<std::uint64_t>> without_file() const;
  // Never given before, in this life or an earlier one.
  [[nodiscard]] std::uint64_t next_number() const;
  // The next segment will be no neighbour of the last one.
  void skip_number();
  void set_end(std::uint64_t number, std::uint64_t end);

  // Creates, preallocates, writes the header, syncs the file and the directory; gives the file back
  // for O_DIRECT writes. After an error no file is left, as far as the disk lets it be removed.
  Result<std::unique_ptr<fs::File>> create(std::uint64_t number, std::uint64_t size,
                                           std::uint64_t first_frame, std::uint64_t next_version);
  Result<std::unique_ptr<fs::File>> open_for_writing(std::uint64_t number);
  // For scans that should see the disk, not the cache.
  Result<std::unique_ptr<fs::File>> open_direct(std::uint64_t number);
  // Removes the file and syncs the directory; a reader at work keeps its bytes.
  Result<void> remove(std::uint64_t number);

  // The buffered descriptor for reads if it is open already; else null.
  [[nodiscard]] std::shared_ptr<fs::File> opened(std::uint64_t number);
  // The same, opened if need be. Blocking. Errors: not_found, io; busy, if there are no
  // descriptors left.
  Result<std::shared_ptr<fs::File>> reader(std::uint64_t number);
  void close_readers();

 private:
  struct Entry {
    SegmentInfo info;
    std::shared_ptr<fs::File> reader;
    std::uint64_t last_use = 0;
  };
  [[nodiscard]] std::string path(std::uint64_t number) const;
  Result<SegmentInfo> inspect(std::uint64_t number, Result<void>& failure);
  void close_least_used();

  fs::Fs& fs_;
  const std::string directory_;
  const Id128 volume_;
  const std::size_t most_readers_;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Entry> entries_;
  std::uint64_t next_number_ = 1;
  std::uint64_t uses_ = 0;
  std::size_t open_readers_ = 0;
};

}  // namespace mas::store
