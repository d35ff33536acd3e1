#include "fixture.h"

#include <algorithm>
#include <map>

#include "mas/runtime/sync.h"

namespace mas::test {

MetaFixture::MetaFixture() : backend_(make_backend()), rng_(make_system_rng()) {}

Hash MetaFixture::hash() {
  Hash hash;
  rng_->fill(hash.bytes);
  return hash;
}

meta::Extent MetaFixture::extent(std::uint64_t length) {
  return meta::Extent{rng_->id(), length, 4 << 20, Profile{1, 0}};
}

std::uint64_t MetaFixture::generation() { return get(store().next_generation(1)); }

meta::Object MetaFixture::object() { return object(hash()); }

meta::Object MetaFixture::object(const Hash& hash) {
  meta::Object object;
  object.hash = hash;
  object.size = 1000;
  object.name = "a name";
  object.created = 77;
  object.generation = generation();
  object.extents = {extent()};
  return object;
}

meta::Upload MetaFixture::upload(meta::UploadKind kind) {
  meta::Upload upload;
  upload.id = rng_->id();
  upload.kind = kind;
  upload.hash = hash();
  upload.name = "a name";
  upload.created = 10;
  upload.expires = 1000;
  return upload;
}

meta::Part MetaFixture::part(const Id128& upload, std::uint32_t number, std::uint64_t size,
                             std::uint8_t content) {
  meta::Part part;
  part.number = number;
  part.size = size;
  part.sum.bytes.fill(content);
  part.extents = {extent(size)};
  must(run(store().register_extent(upload, part.extents[0])));
  return part;
}

meta::PutPartResult MetaFixture::put(const Id128& upload, const meta::Part& part) {
  return get(store().put_part(upload, part, 1'000'000, UINT64_MAX, 50));
}

std::vector<Id128> MetaFixture::freed() {
  std::vector<Id128> ids;
  for (const auto& entry : get(store().freed(0, 1'000'000))) {
    if (!entry.manifests) ids.push_back(entry.extent.id);
  }
  return ids;
}

std::vector<meta::ManifestRange> MetaFixture::freed_manifests() {
  std::vector<meta::ManifestRange> ranges;
  for (const auto& entry : get(store().freed(0, 1'000'000))) {
    if (entry.manifests) ranges.push_back(*entry.manifests);
  }
  return ranges;
}

void MetaFixture::collect_all() {
  const auto listed = get(store().freed(0, 1'000'000));
  if (listed.empty()) return;
  must(run(store().collected("mas-0", listed.back().sequence, {"mas-0"})));
}

namespace {

using Places = std::map<Id128, int>;

void add(Places& places, const std::vector<meta::Extent>& extents) {
  for (const meta::Extent& extent : extents) ++places[extent.id];
}

// Of all objects and uploads.
Places all_places(MetaFixture& f) {
  Places places;
  meta::ListQuery query;
  query.limit = 1000;
  query.include_condemned = true;
  for (const auto& object : f.get(f.store().list(query)).objects) add(places, object.extents);
  for (const auto& upload : f.get(f.store().uploads(std::nullopt, 1000))) {
    for (const auto& one : upload.registered) ++places[one.extent.id];
    std::uint64_t stored = 0;
    std::uint64_t extents = 0;
    auto parts = f.get(f.store().parts(upload.id, 0, 1000));
    for (const auto& part : parts) {
      add(places, part.extents);
      stored += part.size;
      extents += part.extents.size();
    }
    CHECK(upload.stored == stored);
    CHECK(upload.part_count == parts.size());
    CHECK(upload.part_extents == extents);
  }
  return places;
}

}  // namespace

void check_places(MetaFixture& f, const std::vector<Id128>& used) {
  Places places = all_places(f);
  std::vector<Id128> referenced;
  for (const auto& [id, count] : places) referenced.push_back(id);
  auto answers = f.get(f.store().referenced(referenced));
  CHECK(std::count(answers.begin(), answers.end(), false) == 0);
  auto freed = f.freed();
  auto freed_answers = f.get(f.store().referenced(freed));
  CHECK(std::count(freed_answers.begin(), freed_answers.end(), true) == 0);
  for (const Id128& id : freed) ++places[id];
  for (const Id128& id : used) {
    INFO(id.hex());
    REQUIRE(places[id] == 1);
  }
}

void run_side_by_side(std::size_t count, std::size_t threads,
                      const std::function<Task<void>(std::size_t)>& make) {
  IoThreads io(threads);
  Gate gate;
  for (std::size_t i = 0; i < count; ++i) {
    bool started = spawn(io.executor(i % threads), gate, make(i), "test task");
    REQUIRE(started);
  }
  io.start();
  run_blocking(gate.close());
}

}  // namespace mas::test
