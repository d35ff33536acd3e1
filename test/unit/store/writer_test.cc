// The writer by itself: conditions looked at when the frame is put together, and the order of
// calls.
#include "store/writer.h"

#include <catch2/catch.hpp>

#include "fixture.h"
#include "mas/core/xxh3.h"
#include "segment_file.h"
#include "store/compaction.h"

namespace mas::store::test {
namespace {

// Takes nothing while it lacks something; may say so only when it is told, as RocksDB does whose
// flush has failed since it was asked.
class TightIndex final : public Index {
 public:
  Lookup find_cached(const RecordKey& key, Location& location) override {
    return inner_->find_cached(key, location);
  }
  Result<std::optional<Location>> find(const RecordKey& key) override { return inner_->find(key); }
  Result<std::vector<std::pair<RecordKey, Location>>> list(const ListFrom& from,
                                                           std::size_t limit) override {
    return inner_->list(from, limit);
  }
  Result<void> write(const IndexBatch& batch) override {
    if (lacks_) return *lacks_;
    return inner_->write(batch);
  }
  Result<void> flush() override { return inner_->flush(); }
  Result<std::optional<IndexState>> load() override { return inner_->load(); }

  void lack(std::optional<Error> what) { lacks_ = std::move(what); }

 private:
  std::unique_ptr<Index> inner_ = make_memory_index();
  std::optional<Error> lacks_;
};

struct Rig {
  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(1);
  Machine machine{*disk};
  Instruments instruments{machine.metrics};
  Id128 volume = machine.rng->id();
  SegmentSet segments{*disk, "/data", volume};
  TightIndex* index = new TightIndex;
  Catalog catalog{std::unique_ptr<Index>(index)};
  Room room{*disk, *machine.clock, "/data", 0.0, 0};
  Versions versions;
  std::shared_ptr<Writer> writer;

  Rig() {
    must(disk->make_directories("/data"));
    versions.begin(1, kVersionBlock, [](std::uint64_t) { return Result<void>(); });
    const Writer::Parts parts{volume, segments, catalog, room, machine.pool, versions, instruments};
    writer = std::make_shared<Writer>(parts, Writer::Limits{1 << 20, 100, 1 << 24, 1 << 20},
                                      Position(), false);
  }
  ~Rig() { writer->abandon(); }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  Result<void> write(PendingRecord record, bool copies = false) {
    auto wait = std::make_shared<WriteWait>();
    std::vector<PendingRecord> records;
    records.push_back(std::move(record));
    MAS_CHECK(writer->enqueue(std::move(records), wait, copies));
    run_blocking(wait->done.wait());
    return wait->result;
  }
  std::optional<Location> where(const RecordKey& key) { return must(catalog.index().find(key)); }
};

PendingRecord payload(const RecordKey& key, const std::string& text) {
  PendingRecord record;
  record.key = key;
  record.pieces.push_back(slice_of(text));
  record.length = static_cast<std::uint32_t>(text.size());
  record.sum = xxh3_128(record.pieces);
  return record;
}
PendingRecord tombstone(const RecordKey& key, When when) {
  PendingRecord record;
  record.key = key;
  record.type = RecordType::tombstone;
  record.when = when;
  return record;
}
PendingRecord copy_of(const RecordKey& key, const std::string& text, const Location& source) {
  PendingRecord record = payload(key, text);
  record.when = When::points_at_source;
  record.source = source;
  record.version = source.version;
  record.first_place = 1;
  return record;
}

TEST_CASE("a frame that the index lacks room for is indexed before anything else is done") {
  const Code lack = GENERATE(Code::disk_full, Code::busy);
  Rig rig;
  must(rig.write(payload(key_of(1), "one")));
  rig.index->lack(Error(lack, "injected"));
  const Result<void> refused = rig.write(payload(key_of(2), "two"));
  REQUIRE(code_of(refused) == lack);
  CHECK(refused.error().maybe_happened());
  CHECK(rig.writer->may_hold(key_of(2)));
  CHECK_FALSE(rig.writer->is_stopped());
  const Result<void> next = rig.write(payload(key_of(3), "three"));
  REQUIRE(code_of(next) == lack);
  CHECK_FALSE(next.error().maybe_happened());
  CHECK_FALSE(rig.where(key_of(2)));
  SECTION("what comes next stands behind it") {
    rig.index->lack(std::nullopt);
    must(rig.write(payload(key_of(2), "again")));
    CHECK(rig.where(key_of(2))->length == 5);
    CHECK_FALSE(rig.where(key_of(3)));
  }
  SECTION("a removal removes it") {
    rig.index->lack(std::nullopt);
    must(rig.write(tombstone(key_of(2), When::key_present)));
    CHECK_FALSE(rig.where(key_of(2)));
    CHECK_FALSE(rig.writer->may_hold(key_of(2)));
  }
  SECTION("it is there, as it is durable") {
    rig.index->lack(std::nullopt);
    must(rig.write(payload(key_of(4), "four")));
    CHECK(rig.where(key_of(2))->length == 3);
    CHECK(rig.catalog.position().offset == rig.segments.list().front().end);
  }
  SECTION("an index that fails for good stops the volume") {
    rig.index->lack(Error(Code::io, "injected"));
    CHECK(code_of(rig.write(payload(key_of(4), "four"))) == Code::io);
    CHECK(rig.writer->is_stopped());
  }
}

TEST_CASE("a copy is appended only while the index points at its source") {
  Rig rig;
  must(rig.write(payload(key_of(1), "one")));
  const Location source = *rig.where(key_of(1));
  must(rig.write(copy_of(key_of(1), "one", source), true));
  const Location copied = *rig.where(key_of(1));
  CHECK(copied.payload != source.payload);
  CHECK(copied.version == source.version);
  // The source is no longer what counts: not after another copy, a removal, or a newer record.
  must(rig.write(copy_of(key_of(1), "one", source), true));
  CHECK(rig.where(key_of(1)) == copied);
  must(rig.write(tombstone(key_of(1), When::key_present)));
  must(rig.write(copy_of(key_of(1), "one", copied), true));
  CHECK_FALSE(rig.where(key_of(1)));
  must(rig.write(payload(key_of(1), "two")));
  const Location newer = *rig.where(key_of(1));
  must(rig.write(copy_of(key_of(1), "one", copied), true));
  CHECK(rig.where(key_of(1)) == newer);
  const auto frames = rig.segments.list().front().end;
  must(rig.write(copy_of(key_of(1), "one", copied), true));
  CHECK(rig.segments.list().front().end == frames);
}

TEST_CASE("what compaction read before a removal does not come back with its copies") {
  Rig rig;
  for (std::uint64_t i = 0; i < 3; ++i) must(rig.write(payload(key_of(i), "text")));
  SegmentInfo source = rig.segments.list().front();
  Compaction compaction(rig.segments, rig.catalog, rig.volume, source, 1 << 20);
  auto chunk = must(compaction.next());
  REQUIRE(chunk.records.size() == 3);
  must(rig.write(tombstone(key_of(1), When::key_present)));
  must(rig.write(payload(key_of(2), "newer")));
  const std::uint64_t newer = rig.where(key_of(2))->version;
  for (PendingRecord& record : chunk.records) must(rig.write(std::move(record), true));
  CHECK(rig.where(key_of(0)));
  CHECK_FALSE(rig.where(key_of(1)));
  CHECK(rig.where(key_of(2))->version == newer);
}

TEST_CASE("a removal in the frame of a copy wins over it") {
  Rig rig;
  must(rig.write(payload(key_of(1), "one")));
  const Location source = *rig.where(key_of(1));
  rig.machine.pool.hold();
  auto wait = std::make_shared<WriteWait>();
  auto copy_wait = std::make_shared<WriteWait>();
  std::vector<PendingRecord> removal;
  removal.push_back(tombstone(key_of(1), When::key_present));
  std::vector<PendingRecord> copies;
  copies.push_back(copy_of(key_of(1), "one", source));
  must(rig.writer->enqueue(std::move(removal), wait));
  must(rig.writer->enqueue(std::move(copies), copy_wait, true));
  rig.machine.pool.release();
  run_blocking(wait->done.wait());
  run_blocking(copy_wait->done.wait());
  CHECK_FALSE(rig.where(key_of(1)));
}

TEST_CASE("a quarantine spares a newer record, also one in its own frame") {
  Rig rig;
  must(rig.write(payload(key_of(1), "bad")));
  PendingRecord quarantine = tombstone(key_of(1), When::points_at_source);
  quarantine.source = *rig.where(key_of(1));
  rig.machine.pool.hold();
  auto wait = std::make_shared<WriteWait>();
  std::vector<PendingRecord> both;
  both.push_back(payload(key_of(1), "repaired"));
  both.push_back(quarantine);
  must(rig.writer->enqueue(std::move(both), wait));
  rig.machine.pool.release();
  run_blocking(wait->done.wait());
  CHECK(rig.where(key_of(1)));
  must(rig.write(quarantine));
  CHECK(rig.where(key_of(1)));
  quarantine.source = *rig.where(key_of(1));
  must(rig.write(quarantine));
  CHECK_FALSE(rig.where(key_of(1)));
}

TEST_CASE("a tombstone's copy is left out when a newer record of its key is there") {
  Rig rig;
  must(rig.write(payload(key_of(1), "newer")));
  const std::uint64_t end = rig.segments.list().front().end;
  PendingRecord copy = tombstone(key_of(1), When::key_absent);
  copy.version = 1;
  copy.first_place = 1;
  must(rig.write(copy, true));
  CHECK(rig.segments.list().front().end == end);
  copy.key = key_of(2);
  must(rig.write(copy, true));
  CHECK(rig.segments.list().front().end > end);
}

TEST_CASE("removing what is not there writes nothing") {
  Rig rig;
  must(rig.write(tombstone(key_of(1), When::key_present)));
  CHECK(rig.segments.count() == 0);
}

TEST_CASE("a segment and its entry are durable before its first frame, a frame before its answer") {
  Rig rig;
  std::vector<fs::FsOp> calls;
  rig.disk->set_hook([&](const fs::FsCall& call) -> Result<void> {
    calls.push_back(call.op);
    return {};
  });
  must(rig.write(payload(key_of(1), "one")));
  using enum fs::FsOp;
  CHECK(calls == std::vector<fs::FsOp>{open, allocate, write, sync, sync_directory, write, sync});
  calls.clear();
  must(rig.write(payload(key_of(2), "two")));
  CHECK(calls == std::vector<fs::FsOp>{write, sync});
}

TEST_CASE("an abandoned writer answers what was queued") {
  auto wait = std::make_shared<WriteWait>();
  {
    Rig rig;
    rig.machine.pool.hold();
    std::vector<PendingRecord> records;
    records.push_back(payload(key_of(1), "one"));
    must(rig.writer->enqueue(std::move(records), wait));
    rig.writer->abandon();
    CHECK(wait->done.is_set());
    CHECK(code_of(wait->result) == Code::closed);
    // The pool still has the task and runs it later, when there is nothing left to do.
    rig.machine.pool.release();
  }
}

TEST_CASE("the highest version of a key counts, in whatever order records are applied") {
  Catalog catalog(make_memory_index());
  auto record = [](RecordType type, std::uint64_t version) {
    IndexedRecord indexed;
    indexed.key = key_of(1);
    indexed.type = type;
    indexed.location.segment = version;
    indexed.location.version = version;
    indexed.location.length = 100;
    return indexed;
  };
  auto apply = [&](RecordType type, std::uint64_t version) {
    const std::vector<IndexedRecord> records{record(type, version)};
    must(catalog.apply(records, Position{version, 4096, version, version + 1}));
  };
  apply(RecordType::payload, 5);
  apply(RecordType::payload, 3);
  CHECK(must(catalog.index().find(key_of(1)))->version == 5);
  apply(RecordType::tombstone, 4);
  CHECK(must(catalog.index().find(key_of(1)))->version == 5);
  CHECK(catalog.totals().records == 1);
  CHECK(catalog.stats(5).live_bytes == footprint(100));
  CHECK(catalog.stats(3).live_bytes == 0);
  apply(RecordType::payload, 7);
  CHECK(catalog.stats(5).live_bytes == 0);
  CHECK(catalog.stats(7).live_records == 1);
  apply(RecordType::tombstone, 8);
  CHECK_FALSE(must(catalog.index().find(key_of(1))));
  CHECK(catalog.totals().live_bytes == 0);
  CHECK(catalog.stats(8).tombstones == 1);
}

}  // namespace
}  // namespace mas::store::test
