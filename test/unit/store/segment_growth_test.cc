// How much of the disk a volume takes before it has anything to store there.
#include <catch2/catch.hpp>

#include "fixture.h"
#include "segment_file.h"

namespace mas::store::test {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

std::vector<std::uint64_t> sizes_of(fs::FaultFs& disk) {
  std::vector<std::uint64_t> sizes;
  for (const std::uint64_t number : segment_numbers(disk)) {
    const auto file = must(disk.open("/data/segments/" + segment_file_name(number), {}));
    sizes.push_back(must(file->size()));
  }
  return sizes;
}

TEST_CASE("a volume takes as much again as it stores, and 16 MiB at first") {
  const auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  machine.index = IndexKind::memory;
  machine.options.segment_size = 64 * kMiB;
  machine.options.frame_bytes = 16 * kMiB;
  std::unique_ptr<Store> store;
  std::uint64_t stored = 0;
  const std::string text = bytes_of(1, 4 * kMiB);
  bool is_full_size = false;
  for (std::uint64_t i = 0; i < 45; ++i) {
    if (i % 20 == 0) {
      store.reset();
      store = machine.open();  // goes on as it was
    }
    put(*store, key_of(i), text);
    stored += text.size();
    std::uint64_t taken = 0;
    for (const std::uint64_t size : sizes_of(*disk)) taken += size;
    INFO(i << ": " << taken << " taken for " << stored);
    CHECK(taken <= 2 * stored + 17 * kMiB);
    is_full_size = is_full_size || sizes_of(*disk).back() == 64 * kMiB;
  }
  CHECK(is_full_size);
  CHECK(sizes_of(*disk).size() <= 6);
}

TEST_CASE("segments are never larger than configured") {
  CHECK(next_segment_size(1 << 30, 0) == 16 * kMiB);
  CHECK(next_segment_size(1 << 30, 100 * kMiB + 5) == 100 * kMiB);
  CHECK(next_segment_size(1 << 30, std::uint64_t{5} << 30U) == 1 << 30);
  CHECK(next_segment_size(kMiB, 0) == kMiB);
  CHECK(next_segment_size(kMiB, 100 * kMiB) == kMiB);
}

}  // namespace
}  // namespace mas::store::test
