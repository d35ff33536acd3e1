// Walking frames that were laid out by hand.
#include <catch2/catch.hpp>

#include "fixture.h"
#include "mas/core/xxh3.h"
#include "segment_file.h"
#include "store/frame_builder.h"
#include "store/frame_walker.h"

namespace mas::store::test {
namespace {

const SegmentIdentity kIdentity{Id128(), 1};

struct Log {
  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(1);
  std::unique_ptr<fs::File> file;
  std::uint64_t end = kSegmentHeaderSize;

  Log() {
    fs::OpenOptions options;
    options.access = fs::Access::read_write;
    options.create = true;
    options.direct = true;
    file = must(disk->open("/log", options));
    must(file->allocate(0, 1 << 20));
  }
  // Returns where the frame starts.
  std::uint64_t append(std::uint64_t number, const std::string& text,
                       const SegmentIdentity& identity = kIdentity) {
    const std::vector<Slice> pieces{slice_of(text)};
    const std::vector<FrameInput> inputs{{key_of(number), RecordType::payload, number, 0,
                                          static_cast<std::uint32_t>(text.size()), xxh3_128(pieces),
                                          &pieces}};
    const Frame frame({identity, end, number, number + 1, 0}, inputs);
    must(file->write_at(end, frame.pieces()));
    end += frame.length();
    return end - frame.length();
  }
  std::vector<std::uint64_t> walk() {
    FrameWalker walker(*file, kIdentity, kSegmentHeaderSize, 1 << 20, 0);
    std::vector<std::uint64_t> numbers;
    while (auto frame = must(walker.next())) {
      if (frame->header_ok) numbers.push_back(frame->frame);
    }
    position = walker.position();
    dirty_end = walker.dirty_end();
    return numbers;
  }
  std::uint64_t position = 0;
  std::uint64_t dirty_end = 0;
};

TEST_CASE("frames are walked in order up to the zeros behind them") {
  Log log;
  for (std::uint64_t i = 1; i <= 5; ++i) log.append(i, bytes_of(i, 30'000 * i));
  CHECK(log.walk() == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
  CHECK(log.position == log.end);
  CHECK(log.dirty_end == log.end);
}

TEST_CASE("a frame whose number does not grow is not taken, wherever it stands") {
  Log log;
  log.append(5, "five");
  const std::uint64_t stale = log.append(5, "five again");
  CHECK(log.walk() == std::vector<std::uint64_t>{5});
  CHECK(log.position == stale);
  CHECK(log.dirty_end == log.end);
  log.append(4, "four");
  CHECK(log.walk() == std::vector<std::uint64_t>{5});
  log.append(6, "six");
  CHECK(log.walk() == std::vector<std::uint64_t>{5, 6});
}

TEST_CASE("a frame of another segment or volume is stepped over as damage") {
  Log log;
  log.append(1, "one");
  SegmentIdentity other = kIdentity;
  SECTION("segment") { other.segment = 2; }
  SECTION("volume") { other.volume.bytes[3] = 1; }
  log.append(2, "foreign", other);
  log.append(3, "three");
  CHECK(log.walk() == std::vector<std::uint64_t>{1, 3});
}

TEST_CASE("records under a damaged frame header are found, and of the right place only") {
  Log log;
  log.append(1, "one");
  const std::uint64_t two = log.append(2, "two");
  log.append(3, "three");
  must(log.disk->flip_bit("/log", two, 0));
  FrameWalker walker(*log.file, kIdentity, kSegmentHeaderSize, 1 << 20, 0);
  must(walker.next());
  const WalkedFrame damaged = *must(walker.next());
  CHECK_FALSE(damaged.header_ok);
  CHECK(damaged.offset == two);
  CHECK(damaged.frame == 2);
  REQUIRE(damaged.records.size() == 1);
  CHECK(damaged.records[0].key == key_of(2));
  CHECK(read_range(*log.disk, "/log", damaged.records[0].location.payload, 3) == "two");
  CHECK(must(walker.next())->frame == 3);
}

TEST_CASE("random bytes are never taken for a frame, and end the walk") {
  Log log;
  log.append(1, "one");
  overwrite(*log.disk, "/log", log.end, bytes_of(99, 200'000));
  CHECK(log.walk() == std::vector<std::uint64_t>{1});
  CHECK(log.position == log.end);
  CHECK(log.dirty_end == log.end + round_up(200'000, kBlockSize));
}

TEST_CASE("a file that ends anywhere is walked to its last whole frame") {
  Log log;
  log.append(1, bytes_of(1, 10'000));
  const std::uint64_t two = log.append(2, bytes_of(2, 50'000));
  for (std::uint64_t size = 0; size < log.end; size += 777) {
    cut_file(*log.disk, "/log", size);
    FrameWalker walker(*log.file, kIdentity, kSegmentHeaderSize, size, 0);
    std::size_t count = 0;
    while (must(walker.next())) ++count;
    CHECK(count == (size >= two ? 1 : 0));
    // Back to full length; what was cut off is written again.
    must(log.file->allocate(0, 1 << 20));
    log.end = kSegmentHeaderSize;
    log.append(1, bytes_of(1, 10'000));
    log.append(2, bytes_of(2, 50'000));
  }
}

}  // namespace
}  // namespace mas::store::test
