// What a look-up in the embedded database reads when it holds many records.
#include <rocksdb/perf_context.h>
#include <rocksdb/write_batch.h>

#include <catch2/catch.hpp>

#include "mas/fs/fault_fs.h"
#include "mas/runtime/rng.h"
#include "meta/embedded_db.h"
#include "meta/keys.h"
#include "meta/rocks_reader.h"
#include "support/must.h"

using namespace mas;
using namespace mas::meta;

namespace {

constexpr std::uint64_t kRecords = 600'000;
constexpr int kLookups = 500;

std::string numbered(std::uint64_t number) {
  Hash hash;
  make_seeded_rng(number)->fill(hash.bytes);
  return keys::object(hash);
}

}  // namespace

TEST_CASE("a look-up reads a few blocks, however many records there are") {
  const auto fs = fs::make_fault_fs(3);
  config::Meta options;
  options.cache = 1;  // the least there is
  EmbeddedDb opened = must(open_db(options, "/meta", *fs));
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true;
  for (std::uint64_t next = 0; next < kRecords;) {
    rocksdb::WriteBatch batch;
    bool is_put = true;
    for (int i = 0; i < 1000; ++i, ++next) is_put = batch.Put(numbered(next), "1").ok() && is_put;
    REQUIRE(is_put);
    REQUIRE(opened.db->Write(unlogged, &batch).ok());
  }
  REQUIRE(opened.db->Flush(rocksdb::FlushOptions()).ok());
  const RocksReader reader(*opened.db, RocksReader::Reach::disk);
  for (const bool is_there : {true, false}) {
    rocksdb::SetPerfLevel(rocksdb::kEnableCount);
    rocksdb::get_perf_context()->Reset();
    for (std::uint64_t i = 0; i < kLookups; ++i) {
      const std::uint64_t number = i * 1199 + (is_there ? 0 : kRecords);
      REQUIRE(must(reader.get(numbered(number))).has_value() == is_there);
    }
    const std::uint64_t read = rocksdb::get_perf_context()->block_read_byte / kLookups;
    rocksdb::SetPerfLevel(rocksdb::kDisable);
    INFO(read << " bytes read for each that is " << (is_there ? "there" : "not there"));
    CHECK(read < 32 * 1024);
  }
}
