// What a look-up in the index of many records reads.
#include <rocksdb/perf_context.h>

#include <catch2/catch.hpp>

#include "fixture.h"
#include "mas/runtime/rng.h"
#include "store/index.h"
#include "support/must.h"

namespace mas::store::test {
namespace {

constexpr std::uint64_t kRecords = 100'000;
constexpr std::uint64_t kMemory = 256 * 1024;  // much less than all filters and index blocks
constexpr int kLookups = 500;

RecordKey numbered(std::uint64_t number) {
  Id128 extent;
  make_seeded_rng(number)->fill(extent.bytes);
  return RecordKey::shard(extent, 0, 0);
}

TEST_CASE("a look-up reads a few blocks, however many records there are") {
  const auto fs = fs::make_fault_fs(3);
  const auto index = must(open_rocksdb_index(*fs, "/index", Id128(), {kMemory}));
  for (std::uint64_t next = 0; next < kRecords;) {
    IndexBatch batch;
    for (int i = 0; i < 500; ++i, ++next) {
      Location location;
      location.segment = next + 1;
      batch.records[numbered(next)] = location;
    }
    must(index->write(batch));
  }
  must(index->flush());
  for (const bool is_there : {true, false}) {
    rocksdb::SetPerfLevel(rocksdb::kEnableCount);
    rocksdb::get_perf_context()->Reset();
    for (std::uint64_t i = 0; i < kLookups; ++i) {
      const std::uint64_t number = i * 199 + (is_there ? 0 : kRecords);
      const auto found = must(index->find(numbered(number)));
      REQUIRE(found.has_value() == is_there);
      if (found) REQUIRE(found->segment == number + 1);
    }
    const std::uint64_t read = rocksdb::get_perf_context()->block_read_byte / kLookups;
    rocksdb::SetPerfLevel(rocksdb::kDisable);
    INFO(read << " bytes read for each that is " << (is_there ? "there" : "not there"));
    CHECK(read < 32 * 1024);
  }
}

}  // namespace
}  // namespace mas::store::test
