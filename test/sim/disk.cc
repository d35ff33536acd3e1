#include "sim/disk.h"

#include "mas/core/units.h"
#include "sim/forwarding_fs.h"

namespace mas::sim {
namespace {

constexpr std::uint64_t kRoomy = 64 * kGiB;
const std::string kSegments = kDataDirectory + "/segments";
constexpr std::uint64_t kSector = 4096;

bool is_change(fs::FsOp op) {
  return op != fs::FsOp::open && op != fs::FsOp::read && op != fs::FsOp::list;
}

bool is_segment(const std::string& path) { return path.ends_with(".seg"); }

// Half of what could come from the cache does not, so that reads take time too. With the bug, a
// sync that failed is tried again and believed.
class PatientFile final : public ForwardingFile {
 public:
  PatientFile(std::unique_ptr<fs::File> inner, Rand rand, Bug bug)
      : ForwardingFile(std::move(inner)), rand_(rand), bug_(bug) {}
  Result<std::size_t> read_cached(std::uint64_t offset, MutableBytes into) override {
    if (rand_.chance(0.5)) return Error(Code::busy, "not in the cache");
    return inner_->read_cached(offset, into);
  }
  Result<void> sync_data() override { return again_with_bug(inner_->sync_data()); }

 private:
  Result<void> again_with_bug(Result<void> synced) {
    if (synced.has_error() && bug_ == Bug::failed_sync_retried) return inner_->sync_data();
    return synced;
  }
  Rand rand_;
  const Bug bug_;
};

class PatientFs final : public ForwardingFs {
 public:
  PatientFs(fs::Fs& inner, Rand rand, Bug bug) : ForwardingFs(inner), rand_(rand), bug_(bug) {}

 private:
  std::unique_ptr<fs::File> wrap(std::unique_ptr<fs::File> file) override {
    return std::make_unique<PatientFile>(std::move(file), rand_.fork(), bug_);
  }
  Rand rand_;
  const Bug bug_;
};

// Which syncs do nothing with `bug`.
fs::FaultFs::Liar liar_of(Bug bug) {
  switch (bug) {
    case Bug::segment_sync_dropped:
      return
          [](const fs::FsCall& call) { return call.op == fs::FsOp::sync && is_segment(call.path); };
    case Bug::segment_entry_sync_dropped:
      return [](const fs::FsCall& call) {
        return call.op == fs::FsOp::sync_directory && call.path == kSegments;
      };
    case Bug::volume_entry_sync_dropped:
      return [](const fs::FsCall& call) {
        return call.op == fs::FsOp::sync_directory && call.path == kDataDirectory;
      };
    default:
      return {};
  }
}

}  // namespace

Disk::Disk(World& world, std::string name, Bug bug)
    : world_(world), name_(std::move(name)), bug_(bug), rand_(world.rand().fork()) {
  adopt(fs::make_fault_fs(rand_.next()));
}

void Disk::adopt(std::unique_ptr<fs::FaultFs> disk) {
  disk_ = std::move(disk);
  disk_->set_hook([this](const fs::FsCall& call) { return ask(call); });
  disk_->set_lying_sync(liar_of(bug_));
  patient_ = std::make_unique<PatientFs>(*disk_, rand_.fork(), bug_);
}

Result<void> Disk::ask(const fs::FsCall& call) {
  Result<void> allowed = judge(call);
  if (allowed.has_error()) ++refusals_;
  return allowed;
}

bool Disk::is_spoiled(const fs::FsCall& call) const {
  const auto file = spoiled_.find(call.path);
  if (file == spoiled_.end()) return false;
  const auto first = file->second.lower_bound(call.offset / kSector);
  return first != file->second.end() && *first * kSector < call.offset + call.length;
}

Result<void> Disk::judge(const fs::FsCall& call) {
  if (looking_) return {};
  const Error gone(Code::io, "the disk has no power");
  if (dying_) return gone;
  if (is_change(call.op)) {
    world_.note(name_ + " " + call.path, static_cast<std::uint64_t>(call.op),
                call.offset ^ call.length);
    if (changes_left_ && (*changes_left_)-- == 0) {
      changes_left_.reset();
      dying_ = true;
      disk_->power_off_after(0);
      died_();
      return gone;
    }
  }
  if (call.op == fs::FsOp::sync && fail_sync_) {
    fail_sync_ = false;
    world_.count("failed sync");
    return Error(Code::io, "injected: the sync failed");
  }
  if (call.op == fs::FsOp::remove) spoiled_.erase(call.path);
  if (call.op == fs::FsOp::read && is_spoiled(call)) {
    world_.count("read of a spoiled sector");
    return Error(Code::io, "injected: the sector cannot be read any more");
  }
  if (call.op == fs::FsOp::read && read_errors_ > 0 && is_segment(call.path) &&
      rand_.chance(read_errors_)) {
    world_.count("read error");
    return Error(Code::io, "injected: the sector cannot be read");
  }
  return {};
}

Disk::Remains Disk::end_process(Ending ending) {
  disk_->set_hook({});
  std::unique_ptr<fs::FaultFs> next;
  if (ending == Ending::killed) {
    next = disk_->after_restart();
  } else {
    const auto rng = make_seeded_rng(rand_.next());
    constexpr double kKept[] = {0.0, 0.0, 0.5, 1.0};
    next = disk_->after_power_loss(*rng, kKept[rand_.below(4)]);
  }
  disk_->power_off_after(0);
  Remains remains{std::move(patient_), std::move(disk_)};
  dying_ = false;
  changes_left_.reset();
  fail_sync_ = false;
  adopt(std::move(next));
  return remains;
}

void Disk::replace() {
  lost_something_ = false;
  set_room(std::nullopt);
  spoiled_.clear();
  adopt(fs::make_fault_fs(rand_.next()));
}

void Disk::unmount() {
  lost_aside_ = std::exchange(lost_something_, false);
  spoiled_aside_ = std::exchange(spoiled_, {});
  set_room(std::nullopt);
  read_errors_ = 0;  // the disk's, not the directory's
  set_aside_ = std::move(disk_);
  set_aside_->set_hook({});
  adopt(fs::make_fault_fs(rand_.next()));
}

void Disk::mount() {
  lost_something_ = lost_aside_;
  spoiled_ = std::exchange(spoiled_aside_, {});
  adopt(std::move(set_aside_));
  set_aside_ = nullptr;
  read_errors_ = 0;
}

void Disk::lose_power_after(std::uint64_t changes, std::function<void()> died) {
  changes_left_ = changes;
  died_ = std::move(died);
}

std::pair<std::string, std::uint64_t> Disk::any_segment() {
  looking_ = true;
  std::pair<std::string, std::uint64_t> found;
  auto names = disk_->list(kSegments);
  if (names.has_value() && !names->empty()) {
    const std::string path = kSegments + "/" + rand_.pick(*names);
    auto file = disk_->open(path, {});
    if (file.has_value()) {
      auto size = (*file)->size();
      if (size.has_value() && *size > 0) found = {path, *size};
    }
  }
  looking_ = false;
  return found;
}

bool Disk::rot() {
  const auto [path, size] = any_segment();
  if (size == 0) return false;
  lost_something_ = true;
  const auto flipped = disk_->flip_bit(path, rand_.below(size), static_cast<int>(rand_.below(8)));
  return flipped.has_value();
}

bool Disk::spoil_sectors(bool header) {
  const auto [path, size] = any_segment();
  const std::uint64_t sectors = size / kSector;
  if (sectors < 2) return false;
  lost_something_ = true;
  std::set<std::uint64_t>& spoiled = spoiled_[path];
  if (header) {
    spoiled.insert(0);
    return true;
  }
  const std::uint64_t first = 1 + rand_.below(sectors - 1);
  const std::uint64_t count = 1 + rand_.below(4);
  for (std::uint64_t i = 0; i < count; ++i) spoiled.insert(first + i);
  return true;
}

bool Disk::lose_segment() {
  const auto [path, size] = any_segment();
  if (size == 0) return false;
  lost_something_ = true;
  looking_ = true;
  const auto removed = disk_->remove(path);
  looking_ = false;
  return removed.has_value();
}

void Disk::set_room(std::optional<std::uint64_t> bytes) {
  disk_->set_capacity(bytes.value_or(kRoomy));
  is_full_ = bytes.has_value();
}

void Disk::heal() {
  set_room(std::nullopt);
  read_errors_ = 0;
  fail_sync_ = false;
  changes_left_.reset();
  slowness = 1;
}

}  // namespace mas::sim
