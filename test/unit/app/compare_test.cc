// What `mas check` says of metadata and records that do not agree.
#include "app/local/compare.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "mas/meta/memory.h"
#include "mas/runtime/io_threads.h"
#include "support/must.h"

namespace mas::app {
namespace {

Id128 id_of(std::uint8_t number) {
  Id128 id;
  id.bytes.fill(number);
  return id;
}

Hash hash_of(std::uint8_t number) {
  Hash hash;
  hash.bytes.fill(number);
  return hash;
}

meta::Extent extent_of(std::uint8_t number, std::uint64_t stripes) {
  return {id_of(number), stripes * 1000, 1000, Profile{1, 0}};
}

// Metadata of a pod alone, and what it should have stored.
struct Rig {
  std::unique_ptr<meta::MetaStore> meta = meta::make_memory_meta();
  std::vector<store::CheckedRecord> records;
  std::uint64_t generation = 0;

  Rig() {
    const layout::Layout layout = layout::found(id_of(1), {{"mas-0", id_of(2), "", 1}});
    must(run_blocking_for(meta->propose_layout(0, layout)));
  }
  void add(const RecordKey& key, bool is_sound = true) {
    records.push_back({key, is_sound, false});
  }
  void add_shards(const meta::Extent& extent) {
    for (std::uint64_t i = 0; i * extent.stripe_size < extent.length; ++i) {
      add(RecordKey::shard(extent.id, i, 0));
    }
  }
  // A file of `stripes`, with all that belongs to it.
  meta::Object add_file(std::uint8_t number, std::uint64_t stripes) {
    meta::Object object;
    object.hash = hash_of(number);
    object.name = "file-" + std::to_string(number);
    object.extents = {extent_of(number, stripes)};
    object.size = object.extents[0].length;
    object.generation = ++generation;
    REQUIRE(must(run_blocking_for(meta->commit(object, 0, std::nullopt))).committed);
    add_shards(object.extents[0]);
    if (stripes > 1) add(RecordKey::manifest(object.hash, object.generation, 0));
    return object;
  }
  void erase(const RecordKey& key) {
    REQUIRE(std::erase_if(records, [&](const auto& record) { return record.key == key; }) == 1);
  }
  Comparison compare() {
    std::sort(records.begin(), records.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    return must(run_blocking_for(app::compare(*meta, records)));
  }
  // The only problem.
  std::string problem() {
    const Comparison found = compare();
    REQUIRE(found.problems.size() == 1);
    return found.problems[0];
  }
};

TEST_CASE("metadata and records that agree are no problem") {
  Rig rig;
  CHECK(rig.compare().problems.empty());
  rig.add_file(1, 1);
  rig.add_file(2, 5);
  // Deleted: whether its shards are there still makes no difference.
  const meta::Object deleted = rig.add_file(3, 3);
  must(run_blocking_for(rig.meta->condemn(deleted.hash, deleted.generation, ++rig.generation, 7)));
  rig.erase(RecordKey::shard(deleted.extents[0].id, 1, 0));
  rig.erase(RecordKey::manifest(deleted.hash, deleted.generation, 0));
  rig.add(RecordKey::manifest(deleted.hash, rig.generation, 0));
  must(run_blocking_for(rig.meta->free({extent_of(9, 2)}, 5)));
  rig.add_shards(extent_of(9, 2));
  const Comparison found = rig.compare();
  CHECK(found.problems.empty());
  CHECK(found.notes.empty());
  CHECK(found.compared);
  CHECK(found.objects == 2);
}

TEST_CASE("a file whose stripes or manifest are missing or damaged is named once") {
  Rig rig;
  rig.add_file(1, 2);
  const meta::Object file = rig.add_file(2, 5);
  const RecordKey manifest = RecordKey::manifest(file.hash, file.generation, 0);
  SECTION("stripes") {
    rig.erase(RecordKey::shard(file.extents[0].id, 1, 0));
    rig.erase(RecordKey::shard(file.extents[0].id, 4, 0));
    for (auto& record : rig.records) {
      if (record.key == RecordKey::shard(file.extents[0].id, 2, 0)) record.is_sound = false;
    }
    CHECK(rig.problem() ==
          "file " + file.hash.hex() + " (file-2): of 5 stripes 2 are missing and 1 are damaged.");
  }
  SECTION("no manifest") {
    rig.erase(manifest);
    CHECK(rig.problem() == "file " + file.hash.hex() + " (file-2): its manifest is missing.");
  }
  SECTION("a damaged manifest") {
    rig.erase(manifest);
    rig.add(manifest, false);
    CHECK(rig.problem() == "file " + file.hash.hex() + " (file-2): its manifest is damaged.");
  }
}

TEST_CASE("what is there twice or without an owner is said") {
  Rig rig;
  const meta::Object file = rig.add_file(1, 2);
  SECTION("twice") {
    rig.records[0].is_twice = true;
    CHECK(rig.problem().find("there twice: shard 0 of stripe 0") == 0);
  }
  SECTION("without an owner") {
    rig.add_shards(extent_of(7, 3));
    CHECK(rig.problem().find("orphaned: 3 shards of extent " + id_of(7).hex()) == 0);
  }
  SECTION("what a crash leaves is a note") {
    rig.add_shards(extent_of(7, 1));
    rig.add(RecordKey::manifest(hash_of(8), 5, 0));
    rig.add(RecordKey::manifest(file.hash, file.generation - 1, 0));
    const Comparison found = rig.compare();
    CHECK(found.problems.empty());
    CHECK(found.notes.size() == 3);
  }
}

TEST_CASE("parts of open uploads have to be there") {
  Rig rig;
  meta::Upload upload;
  upload.id = id_of(5);
  upload.hash = hash_of(6);
  upload.name = "big";
  must(run_blocking_for(rig.meta->open(upload)));
  const meta::Extent extent = extent_of(7, 4);
  must(run_blocking_for(rig.meta->register_extent(upload.id, extent)));
  rig.add_shards(extent);
  CHECK(rig.compare().problems.empty());
  rig.erase(RecordKey::shard(extent.id, 3, 0));
  // What belongs to no part yet was not promised to anybody.
  const Comparison found = rig.compare();
  CHECK(found.problems.empty());
  CHECK(found.uploads == 1);
  meta::Part part;
  part.number = 2;
  part.size = extent.length;
  part.extents = {extent};
  must(run_blocking_for(rig.meta->put_part(upload.id, part, 100, 1 << 20, 1)));
  CHECK(rig.problem() ==
        "upload of " + upload.hash.hex() + " (big), part 2: of 4 stripes 1 are missing.");
}

}  // namespace
}  // namespace mas::app
