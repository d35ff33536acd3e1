#include "store/segments.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "mas/fs/descriptors.h"
#include "mas/observe/log.h"

namespace mas::store {
namespace {

constexpr std::string_view kSuffix = ".seg";
constexpr std::size_t kDigits = 16;

}  // namespace

std::string segment_file_name(std::uint64_t number) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
  }
  return to_hex(bytes) + std::string(kSuffix);
}

std::optional<std::uint64_t> parse_segment_file_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::array<std::uint8_t, 8> bytes{};
  if (!from_hex(name.substr(0, kDigits), bytes)) return std::nullopt;
  std::uint64_t number = 0;
  for (std::uint8_t byte : bytes) number = number << 8 | byte;
  if (number == 0 || segment_file_name(number) != name) return std::nullopt;
  return number;
}

std::uint64_t next_segment_size(std::uint64_t largest, std::uint64_t used) {
  const std::uint64_t size = std::clamp(used, std::min(largest, kSmallestSegment), largest);
  return size / kBlockSize * kBlockSize;
}

SegmentSet::SegmentSet(fs::Fs& fs, std::string directory, const Id128& volume,
                       std::size_t most_readers)
    : fs_(fs), directory_(std::move(directory)), volume_(volume), most_readers_(most_readers) {}

std::string SegmentSet::path(std::uint64_t number) const {
  return directory_ + "/" + segment_file_name(number);
}

Result<void> SegmentSet::load() {
  MAS_TRY(auto names, fs_.list(directory_));
  std::size_t read = 0;
  Result<void> failure;
  for (const std::string& name : names) {
    auto number = parse_segment_file_name(name);
    if (!number) {
      log::warn("store_foreign_file", {{"directory", directory_}, {"name", name}});
      continue;
    }
    MAS_TRY(const SegmentInfo info, inspect(*number, failure));
    if (!info.unreadable) ++read;
    std::lock_guard lock(mutex_);
    entries_[*number].info = info;
    next_number_ = std::max(next_number_, *number + 1);
  }
  // Bad sectors are a matter of their segments, even if every header is among them; of a disk that
  // gives nothing at all nothing is made up.
  if (failure.has_error() && read == 0 && !answers()) return failure;
  return {};
}

// The first and the last segments', each at its beginning, its end and places between: a few reads,
// as each of them may take a broken disk seconds.
bool SegmentSet::answers() {
  constexpr std::size_t kSegmentsAsked = 4;
  constexpr std::size_t kBlocksAsked = 16;
  std::vector<SegmentInfo> asked = list();
  if (asked.empty()) return true;
  if (asked.size() > kSegmentsAsked) {
    asked.erase(asked.begin() + kSegmentsAsked / 2, asked.end() - kSegmentsAsked / 2);
  }
  Buffer block = Buffer::allocate(kBlockSize);
  for (const SegmentInfo& segment : asked) {
    auto file = open_direct(segment.number);
    if (file.has_error()) {
      const bool is_answer = file.error().code() == Code::not_found;
      if (is_answer || fs::is_exhausted(file.error())) return true;
      continue;
    }
    const std::uint64_t blocks = std::max<std::uint64_t>(segment.size / kBlockSize, 1);
    const std::uint64_t places = std::min<std::uint64_t>(blocks, kBlocksAsked / asked.size());
    for (std::uint64_t i = 0; i < places; ++i) {
      const std::uint64_t number = places > 1 ? (blocks - 1) * i / (places - 1) : 0;
      const MutableBytes into = block.bytes().first(kBlockSize);
      const auto got = (*file)->read_at(number * kBlockSize, into);
      if (got.has_value() || fs::is_exhausted(got.error())) return true;
    }
  }
  return false;
}

// `failure`: what kept its header from being read. Errors: corrupt; busy.
Result<SegmentInfo> SegmentSet::inspect(std::uint64_t number, Result<void>& failure) {
  SegmentInfo info;
  info.number = number;
  bool is_elsewhere = false;
  auto attempt = [&]() -> Result<void> {
    MAS_TRY(auto file, fs_.open(path(number), {}));
    MAS_TRY(info.size, file->size());
    info.end = std::min(info.size, kSegmentHeaderSize);
    std::array<std::uint8_t, sizeof(SegmentHeader)> bytes{};
    MAS_TRY(const std::size_t got, file->read_at(0, bytes));
    auto header = parse_segment_header(ByteView(bytes).first(got), {volume_, number});
    info.header_ok = header.has_value();
    is_elsewhere = !header && is_other_segment(ByteView(bytes).first(got), {volume_, number});
    if (header) {
      info.first_frame = header->first_frame;
      info.next_version = header->next_version;
      info.planned = header->size;
    }
    return {};
  };
  Result<void> inspected = attempt();
  if (inspected.has_error() && fs::is_exhausted(inspected.error())) return inspected.error();
  if (inspected.has_error()) {
    info.unreadable = true;
    log::error("store.segment_header_unreadable",
               {{"segment", path(number)}, {"error", inspected.error()}});
    failure = inspected;
  }
  if (is_elsewhere) {
    return Error(Code::corrupt, path(number) +
                                    ": This segment is another data directory's, or another one of "
                                    "this. Put it back where it was, or take it out of here to "
                                    "give up what it holds.");
  }
  return info;
}

std::vector<SegmentInfo> SegmentSet::list() const {
  std::lock_guard lock(mutex_);
  std::vector<SegmentInfo> all;
  all.reserve(entries_.size());
  for (const auto& [number, entry] : entries_) all.push_back(entry.info);
  return all;
}

std::optional<SegmentInfo> SegmentSet::find(std::uint64_t number) const {
  std::lock_guard lock(mutex_);
  auto entry = entries_.find(number);
  if (entry == entries_.end()) return std::nullopt;
  return entry->second.info;
}

std::size_t SegmentSet::count() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

Result<std::vector<std::uint64_t>> SegmentSet::without_file() const {
  std::vector<std::uint64_t> gone;
  for (const SegmentInfo& segment : list()) gone.push_back(segment.number);
  auto names = fs_.list(directory_);
  if (names.has_error() && names.error().code() == Code::not_found) return gone;
  if (names.has_error()) return names.error();
  const std::set<std::string> there(names->begin(), names->end());
  std::erase_if(gone,
                [&](std::uint64_t number) { return there.count(segment_file_name(number)) != 0; });
  return gone;
}

std::uint64_t SegmentSet::used() const {
  std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& [number, entry] : entries_) bytes += entry.info.end;
  return bytes;
}

std::uint64_t SegmentSet::next_number() const {
  std::lock_guard lock(mutex_);
  return next_number_;
}

void SegmentSet::skip_number() {
  std::lock_guard lock(mutex_);
  ++next_number_;
}

void SegmentSet::set_end(std::uint64_t number, std::uint64_t end) {
  std::lock_guard lock(mutex_);
  auto entry = entries_.find(number);
  if (entry != entries_.end()) entry->second.info.end = end;
}

Result<std::unique_ptr<fs::File>> SegmentSet::create(std::uint64_t number, std::uint64_t size,
                                                     std::uint64_t first_frame,
                                                     std::uint64_t next_version) {
  {
    std::lock_guard lock(mutex_);
    MAS_ASSERT(number >= next_number_);
    next_number_ = number + 1;
  }
  Buffer block = Buffer::allocate(kSegmentHeaderSize);
  std::memset(block.data(), 0, block.capacity());
  SegmentHeader header;
  header.volume = volume_;
  header.segment = number;
  header.size = size;
  header.first_frame = first_frame;
  header.next_version = next_version;
  seal(header);
  std::memcpy(block.data(), &header, sizeof header);

  auto attempt = [&]() -> Result<std::unique_ptr<fs::File>> {
    fs::OpenOptions options;
    options.access = fs::Access::read_write;
    options.create = true;
    options.exclusive = true;
    options.direct = true;
    MAS_TRY(auto file, fs_.open(path(number), options));
    MAS_CHECK(file->allocate(0, size));
    const std::array<ByteView, 1> pieces{ByteView(block.bytes())};
    MAS_CHECK(file->write_at(0, pieces));
    MAS_CHECK(file->sync_all());
    MAS_CHECK(fs_.sync_directory(directory_));
    return file;
  };
  auto file = attempt();
  if (file.has_error()) {
    Result<void> removed = fs_.remove(path(number));
    if (removed.has_value()) removed = fs_.sync_directory(directory_);
    if (removed.has_error() && removed.error().code() != Code::not_found) {
      log::warn("store_segment_left_behind", {{"segment", number}, {"error", removed.error()}});
    }
    return file;
  }
  std::lock_guard lock(mutex_);
  SegmentInfo& info = entries_[number].info;
  info.number = number;
  info.first_frame = first_frame;
  info.next_version = next_version;
  info.size = info.planned = size;
  info.end = kSegmentHeaderSize;
  info.header_ok = true;
  return file;
}

Result<std::unique_ptr<fs::File>> SegmentSet::open_for_writing(std::uint64_t number) {
  fs::OpenOptions options;
  options.access = fs::Access::read_write;
  options.direct = true;
  return fs_.open(path(number), options);
}

Result<std::unique_ptr<fs::File>> SegmentSet::open_direct(std::uint64_t number) {
  fs::OpenOptions options;
  options.direct = true;
  return fs_.open(path(number), options);
}

Result<void> SegmentSet::remove(std::uint64_t number) {
  MAS_CHECK(fs_.remove(path(number)));
  MAS_CHECK(fs_.sync_directory(directory_));
  std::lock_guard lock(mutex_);
  auto entry = entries_.find(number);
  if (entry == entries_.end()) return {};
  if (entry->second.reader) --open_readers_;
  entries_.erase(entry);
  return {};
}

std::shared_ptr<fs::File> SegmentSet::opened(std::uint64_t number) {
  std::lock_guard lock(mutex_);
  auto entry = entries_.find(number);
  if (entry == entries_.end()) return nullptr;
  entry->second.last_use = ++uses_;
  return entry->second.reader;
}

Result<std::shared_ptr<fs::File>> SegmentSet::reader(std::uint64_t number) {
  if (auto file = opened(number)) return file;
  MAS_TRY(auto file, fs_.open(path(number), {}));
  std::shared_ptr<fs::File> shared = std::move(file);
  std::lock_guard lock(mutex_);
  auto entry = entries_.find(number);
  if (entry == entries_.end()) return Error(Code::not_found, "The segment has been removed.");
  if (entry->second.reader) return entry->second.reader;
  if (open_readers_ >= most_readers_) close_least_used();
  entry->second.reader = shared;
  entry->second.last_use = ++uses_;
  ++open_readers_;
  return shared;
}

void SegmentSet::close_least_used() {
  Entry* oldest = nullptr;
  for (auto& [number, entry] : entries_) {
    if (entry.reader && (!oldest || entry.last_use < oldest->last_use)) oldest = &entry;
  }
  if (!oldest) return;
  oldest->reader.reset();
  --open_readers_;
}

void SegmentSet::close_readers() {
  std::lock_guard lock(mutex_);
  for (auto& [number, entry] : entries_) entry.reader.reset();
  open_readers_ = 0;
}

}  // namespace mas::store
