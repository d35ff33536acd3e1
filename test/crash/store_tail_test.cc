// The end of the newest segment in every state a crash or a bad disk may leave it in, damage in the
// middle, and an index that is gone.
#include <catch2/catch.hpp>

#include "store_workload.h"
#include "support/must.h"

namespace mas::crash {
namespace {

struct FrameWrite {
  std::string path;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  [[nodiscard]] std::uint64_t end() const { return offset + length; }
};

constexpr int kFrames = 3;
constexpr std::size_t kLengths[kFrames] = {3000, 5000, 3500};  // one, two and one block

// A store whose one segment has a frame for each of a few records; everything synced, not closed.
struct Written {
  std::unique_ptr<fs::FaultFs> disk;
  Ledger ledger;
  std::vector<FrameWrite> frames;  // of record 0, 1, ...
};

std::unique_ptr<Written> write_frames(int frames = kFrames) {
  auto written = std::make_unique<Written>();
  auto disk = fs::make_fault_fs(1);
  disk->set_hook([&](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::write && call.path.ends_with(".seg") && call.offset > 0) {
      written->frames.push_back({call.path, call.offset, call.length});
    }
    return {};
  });
  const auto rig = must(StoreRig::open(*disk, store::IndexKind::memory));
  for (int n = 0; n < frames; ++n) {
    const auto length = kLengths[static_cast<std::size_t>(n)];
    must(rig->put(written->ledger, {n, content_of(n, 0, length)}));
  }
  written->disk = disk->after_restart();
  return written;
}

std::unique_ptr<fs::File> open_file(fs::Fs& fs, const std::string& path) {
  fs::OpenOptions options;
  options.access = fs::Access::read_write;
  return must(fs.open(path, options));
}

void write_bytes(fs::Fs& fs, const std::string& path, std::uint64_t offset,
                 const std::string& bytes) {
  const auto file = open_file(fs, path);
  const ByteView pieces[] = {as_bytes(bytes)};
  must(file->write_at(offset, pieces));
  must(file->sync_all());
}

std::string read_bytes(fs::Fs& fs, const std::string& path, std::uint64_t offset,
                       std::uint64_t length) {
  std::string bytes(length, '\0');
  must(open_file(fs, path)->read_at(offset,
                                    {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}));
  return bytes;
}

// Every record of the frames before `whole` is there; the others are there whole or not at all.
// With `and_after`, the store also takes a new record, and the next start finds the same and that.
void check_tail(fs::FaultFs& disk, const Written& written, int whole, store::IndexKind index,
                bool and_after = true) {
  std::map<std::string, State> first;
  {
    const auto rig = must(StoreRig::open(disk, index));
    first = must(rig->read_all());
    for (int n = 0; n < kFrames; ++n) {
      const auto name = name_of(key_number(n));
      const auto found = first.find(name);
      if (n < whole) REQUIRE(found != first.end());
      if (found != first.end()) REQUIRE(equal(found->second, written.ledger.latest(name)));
    }
    if (!and_after) return;
    Ledger more;
    must(rig->put(more, {100, "new"}));
    first[name_of(key_number(100))] = make_state("new");
  }
  const auto rng = make_seeded_rng(1);
  const auto again =
      must(must(StoreRig::open(*disk.after_power_loss(*rng, 0.0), index))->read_all());
  REQUIRE(again.size() == first.size());
  for (const auto& [name, state] : first) REQUIRE(equal(again.at(name), state));
}

int frames_before(const Written& written, std::uint64_t offset) {
  int whole = 0;
  for (const auto& frame : written.frames) whole += frame.end() <= offset;
  return whole;
}

TEST_CASE("a segment cut at any byte gives back every frame before the cut") {
  const auto written = write_frames();
  const auto& first = written->frames.front();
  const auto& last = written->frames.back();
  REQUIRE(written->frames.size() == kFrames);
  for (auto cut = first.offset; cut <= last.end(); ++cut) {
    INFO("cut at " << cut);
    const auto disk = written->disk->after_restart();
    const auto file = open_file(*disk, first.path);
    must(file->truncate(cut));
    must(file->sync_all());
    const auto index = cut % 509 == 0 ? store::IndexKind::rocksdb : store::IndexKind::memory;
    check_tail(*disk, *written, frames_before(*written, cut), index, cut % 61 == 0);
  }
}

TEST_CASE("the last frame with a tail of zeros or garbage is dropped alone") {
  const auto written = write_frames();
  const auto& last = written->frames.back();
  const auto rng = make_seeded_rng(5);
  for (auto from = last.offset; from < last.end(); from += 37) {
    for (const bool garbage : {false, true}) {
      INFO("from " << from << (garbage ? " garbage" : " zeros"));
      std::string tail(last.end() - from, '\0');
      if (garbage) rng->fill({reinterpret_cast<std::uint8_t*>(tail.data()), tail.size()});
      const auto disk = written->disk->after_restart();
      write_bytes(*disk, last.path, from, tail);
      check_tail(*disk, *written, kFrames - 1, store::IndexKind::memory);
    }
  }
}

TEST_CASE("garbage behind the last frame costs nothing") {
  const auto written = write_frames();
  const auto& last = written->frames.back();
  const auto rng = make_seeded_rng(6);
  for (const std::uint64_t gap : {0U, 1U, 4096U, 9000U}) {
    std::string garbage(10'000, '\0');
    rng->fill({reinterpret_cast<std::uint8_t*>(garbage.data()), garbage.size()});
    const auto disk = written->disk->after_restart();
    write_bytes(*disk, last.path, last.end() + gap, garbage);
    check_tail(*disk, *written, kFrames, store::IndexKind::memory);
  }
}

TEST_CASE("valid frames of another place behind the last one are not taken for records") {
  const auto written = write_frames();
  {
    const auto rig = must(StoreRig::open(*written->disk, store::IndexKind::memory));
    must(rig->remove(written->ledger, {0, 1}));
  }
  const auto& path = written->frames.front().path;
  const auto end = written->frames.back().end() + kBlockSize;  // the frame of the removal
  for (int n = 0; n < kFrames; ++n) {
    for (const auto at : {end, end + kBlockSize}) {
      const auto& frame = written->frames[static_cast<std::size_t>(n)];
      const auto disk = written->disk->after_restart();
      write_bytes(*disk, path, at, read_bytes(*disk, path, frame.offset, frame.length));
      const auto found = must(must(StoreRig::open(*disk, store::IndexKind::memory))->read_all());
      CHECK(judge(written->ledger.allowed(), found) == std::vector<std::string>{});
    }
  }
}

TEST_CASE("a frame of another volume in the right place is not taken for one") {
  const auto written = write_frames(2);
  const auto other = write_frames(3);
  const auto& path = written->frames.front().path;
  REQUIRE(path == other->frames.front().path);
  const auto& next = other->frames[2];
  REQUIRE(next.offset == written->frames.back().end());
  write_bytes(*written->disk, path, next.offset,
              read_bytes(*other->disk, path, next.offset, next.length));
  const auto found =
      must(must(StoreRig::open(*written->disk, store::IndexKind::memory))->read_all());
  CHECK(judge(written->ledger.allowed(), found) == std::vector<std::string>{});
}

TEST_CASE("damage in the middle costs the damaged record only") {
  const auto written = write_frames();
  const auto& middle = written->frames[1];
  bool lost = false;
  for (auto offset = middle.offset; offset < middle.end(); offset += 7) {
    INFO("bit flipped at " << offset - middle.offset << " of the frame");
    const auto disk = written->disk->after_restart();
    must(disk->flip_bit(middle.path, offset, static_cast<int>(offset % 8)));
    const auto rig = must(StoreRig::open(*disk, store::IndexKind::memory));
    const auto damaged = must(rig->scrub());
    REQUIRE(damaged.size() <= 1);
    if (!damaged.empty()) REQUIRE(damaged.front() == key_number(1));
    const auto found = must(rig->read_all());
    for (int n = 0; n < kFrames; ++n) {
      const auto name = name_of(key_number(n));
      if (n == 1 && !found.contains(name)) {
        lost = true;
        REQUIRE(rig->store().usage().quarantined >= 1);
        continue;
      }
      REQUIRE(found.contains(name));
      REQUIRE(equal(found.at(name), written->ledger.latest(name)));
    }
  }
  CHECK(lost);
}

TEST_CASE("nothing is cut after a clean stop, however damaged the last frame is") {
  const auto written = write_frames();
  {
    const auto rig = must(StoreRig::open(*written->disk));
    must(rig->put(written->ledger, {kFrames, content_of(kFrames, 0, 300)}));
    must(rig->close());
  }
  const auto& last = written->frames.back();
  for (std::uint64_t at = 0; at < last.length; at += 257) {
    const auto disk = written->disk->after_restart();
    must(disk->flip_bit(last.path, last.offset + at, 3));
    const auto rig = must(StoreRig::open(*disk));
    (void)must(rig->scrub());
    const auto found = must(rig->read_all());
    for (int n = 0; n <= kFrames; ++n) {
      const auto name = name_of(key_number(n));
      if (n == kFrames - 1 && !found.contains(name)) continue;
      REQUIRE(found.contains(name));
      REQUIRE(equal(found.at(name), written->ledger.latest(name)));
    }
  }
}

TEST_CASE("an index that is gone or damaged is made anew from the segments") {
  const auto disk = fs::make_fault_fs(1);
  Ledger ledger;
  run_store_workload(*disk, ledger);
  const auto& index = kIndexDirectory;
  const auto names = must(disk->list(index));
  REQUIRE(names.size() > 3);
  SECTION("deleted") {
    must(disk->remove_tree(index));
    CHECK(inspect_store(*disk, ledger.allowed()) == std::vector<std::string>{});
  }
  SECTION("one file deleted") {
    for (const auto& name : names) {
      INFO(name);
      const auto copy = disk->after_restart();
      must(copy->remove(index + "/" + name));
      CHECK(inspect_store(*copy, ledger.allowed()) == std::vector<std::string>{});
    }
  }
  SECTION("one file emptied") {
    for (const auto& name : names) {
      INFO(name);
      const auto copy = disk->after_restart();
      must(open_file(*copy, index + "/" + name)->truncate(0));
      CHECK(inspect_store(*copy, ledger.allowed()) == std::vector<std::string>{});
    }
  }
  SECTION("one file damaged") {
    for (const auto& name : names) {
      for (const std::uint64_t part : {1U, 2U, 3U}) {
        INFO(name << " in part " << part);
        const auto copy = disk->after_restart();
        const auto path = index + "/" + name;
        const auto size = must(open_file(*copy, path)->size());
        if (size == 0) continue;
        must(copy->flip_bit(path, size * part / 4, 2));
        CHECK(inspect_store(*copy, ledger.allowed()) == std::vector<std::string>{});
      }
    }
  }
}

}  // namespace
}  // namespace mas::crash
