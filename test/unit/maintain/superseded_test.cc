// Shards that nothing refers to and that name a file: which of them the census lists as freed, and
// what waits for it.
#include <algorithm>

#include "cluster_rig.h"

using namespace mas;
using namespace mas::test;
using std::chrono::hours;

namespace {

struct Rig : ClusterRig {
  Rig() : ClusterRig(1) {}

  bool pass() { return run(*census); }
  // The shard of an upload of one stripe that came to nothing, as its header has it; a stripe after
  // it where `number` is not 0.
  RecordKey leave_shard(const meta::Object& object, std::uint64_t number = 0) {
    const std::string content = make_content(1000);
    Buffer plain = Buffer::allocate(content.size());
    std::copy_n(as_bytes(content).begin(), content.size(), plain.data());
    codec::EncodeOptions how;
    how.profile = Profile{1, 0};
    const codec::StripeId id{object.extents.at(0).id, number};
    const auto stripe = must(
        codec::encode(id, std::move(plain), content.size(), how, as_bytes(meta::encode(object))));
    return put(RecordKey::shard(id.extent, number, 0), stripe.shards[0]);
  }
  RecordKey put(const RecordKey& key, const codec::EncodedShard& shard) {
    must(run_blocking_for(objects.store(0).put(key, {shard.header, shard.data})));
    return key;
  }
  // What such an upload of `hash` would have been.
  meta::Object upload_of(const Hash& hash) {
    meta::Object object;
    object.hash = hash;
    object.size = 1000;
    object.generation = must(run_blocking_for(objects.meta().next_generation(1)));
    object.extents = {{Id128{{++extents}}, 1000, 128 * kKiB, Profile{1, 0}}};
    return object;
  }
  std::vector<Id128> listed() {
    std::vector<Id128> ids;
    for (const auto& entry : must(run_blocking_for(objects.meta().freed(0, 1000)))) {
      if (!entry.manifests) ids.push_back(entry.extent.id);
    }
    return ids;
  }
  bool holds(const RecordKey& key) { return objects.store(0).payload(key).has_value(); }
  std::optional<meta::Object> record(const Hash& hash) {
    return must(run_blocking_for(objects.meta().find(hash)));
  }

  // Stores and deletes it, by the clock that the workers have.
  Hash put_and_delete(const std::string& content) {
    const meta::Object object = must(objects.put(content)).object;
    const std::uint64_t deletion = must(run_blocking_for(objects.meta().next_generation(1)));
    must(run_blocking_for(objects.meta().condemn(object.hash, object.generation, deletion,
                                                 clock.wall().unix_seconds())));
    return object.hash;
  }

  std::uint8_t extents = 0;
  std::unique_ptr<maintain::Worker> census = maintain::make_census_worker(options, pods[0]->deps);
  std::unique_ptr<maintain::Worker> collect =
      maintain::make_collect_worker(options, pods[0]->deps.base, &pods[0]->ledger);
};

}  // namespace

TEST_CASE("what an upload of one stripe left is listed once a later record is there") {
  Rig rig;
  const std::string content = make_content(1000);
  const meta::Object left = rig.upload_of(hash_of(content));
  rig.leave_shard(left);
  must(rig.objects.put(content));
  const std::string state = GENERATE("live", "deleted", "released");
  if (state != "live") must(rig.objects.remove(left.hash));
  if (state == "released") {
    const auto record = rig.record(left.hash);
    must(run_blocking_for(rig.objects.meta().release(left.hash, record->generation, 1)));
  }
  const std::vector<Id128> before = rig.listed();
  // Seen once it may be an upload that is being committed.
  CHECK(rig.pass());
  CHECK(rig.listed() == before);
  for (int i = 0; i < 2; ++i) {
    CHECK(rig.pass());
    std::vector<Id128> with = before;
    with.push_back(left.extents[0].id);
    CHECK(rig.listed() == with);
    CHECK(rig.pods[0]->ledger.unexplained().shards == 0);
  }
}

TEST_CASE("shards of which nothing later is known, or that name nothing, stay") {
  Rig rig;
  const std::string content = make_content(1000);
  must(rig.objects.put(content));
  const Hash stored = hash_of(content);
  // Later than the record; without a record.
  rig.leave_shard(rig.upload_of(stored));
  rig.leave_shard(rig.upload_of(Hash{{0x42}}));
  // Earlier than the record, but: another's extent, not the first stripe, a deletion, bad bytes.
  meta::Object other = rig.upload_of(stored);
  other.generation = 1;
  std::swap(other.extents[0].id.bytes[0], other.extents[0].id.bytes[1]);
  const RecordKey swapped = rig.leave_shard(other);
  meta::Object next = rig.upload_of(stored);
  next.generation = 1;
  rig.leave_shard(next, 1);
  meta::Object deletion = rig.upload_of(stored);
  deletion.generation = 1;
  deletion.state = meta::ObjectState::condemned;
  rig.leave_shard(deletion);
  must(run_blocking_for(rig.objects.store(0).put(RecordKey::shard(Id128{{99}}, 0, 0),
                                                 {Slice::copy_of(as_bytes("no header"))})));
  // The header says stripe and extent of the key that it had.
  const Slice bytes = *rig.objects.store(0).payload(swapped);
  must(run_blocking_for(rig.objects.store(0).put(RecordKey::shard(Id128{{98}}, 0, 0), {bytes})));
  must(run_blocking_for(rig.objects.store(0).remove({swapped})));
  for (int i = 0; i < 3; ++i) CHECK(rig.pass());
  CHECK(rig.listed().empty());
  CHECK(rig.pods[0]->ledger.unexplained().shards == 6);
}

TEST_CASE("an upload that is committed between two passes is left alone") {
  Rig rig;
  const std::string content = make_content(1000);
  meta::Object slow = rig.upload_of(hash_of(content));
  const RecordKey key = rig.leave_shard(slow);
  CHECK(rig.pass());
  REQUIRE(must(run_blocking_for(rig.objects.meta().commit(slow, 0, std::nullopt))).committed);
  CHECK(rig.pass());
  CHECK(rig.listed().empty());
  rig.clock.advance(hours(25));
  rig.run(*rig.collect);
  CHECK(rig.holds(key));
}

TEST_CASE("a deleted file is forgotten only after a census, and when what that found is gone") {
  Rig rig;
  const std::string content = make_content(1000);
  const meta::Object left = rig.upload_of(hash_of(content));
  const bool fails = GENERATE(true, false);
  const RecordKey key = rig.leave_shard(left);
  if (!fails) must(run_blocking_for(rig.objects.store(0).remove({key})));
  rig.put_and_delete(content);
  // Censuses before the release say nothing of what comes after it.
  CHECK(rig.pass());
  rig.run(*rig.collect);
  rig.clock.advance(hours(25));
  for (int i = 0; i < 3; ++i) rig.run(*rig.collect);
  REQUIRE(rig.record(left.hash));
  CHECK(rig.record(left.hash)->released > 0);
  CHECK(rig.pass());
  rig.run(*rig.collect);
  rig.run(*rig.collect);
  CHECK(rig.record(left.hash).has_value() == fails);
  CHECK(rig.holds(key) == fails);
  rig.clock.advance(hours(25));
  rig.run(*rig.collect);
  rig.run(*rig.collect);
  CHECK_FALSE(rig.record(left.hash));
  CHECK_FALSE(rig.holds(key));
}

TEST_CASE("what a census said of another list of what is freed counts for nothing") {
  Rig rig;
  const Hash gone = rig.put_and_delete(make_content(1000));
  rig.run(*rig.collect);
  rig.clock.advance(hours(25));
  maintain::Removed from{rig.view.distrusts, rig.view.layout.version, 1000};
  const bool same = GENERATE(true, false);
  if (!same) ++from.layout_version;
  rig.pods[0]->ledger.publish(maintain::Searched{from, 0});
  for (int i = 0; i < 3; ++i) rig.run(*rig.collect);
  CHECK(rig.record(gone).has_value() == !same);
}

TEST_CASE("later censuses do not put off what the first one waits for") {
  Rig rig;
  const Hash gone = rig.put_and_delete(make_content(1000));
  rig.run(*rig.collect);
  rig.clock.advance(hours(25));
  rig.run(*rig.collect);
  const std::uint64_t past = rig.pods[0]->ledger.removed().past;
  REQUIRE(past > 0);
  maintain::Searched searched{rig.pods[0]->ledger.removed(), past + 1};
  rig.pods[0]->ledger.publish(searched);
  rig.run(*rig.collect);
  searched.until = 1'000'000;
  rig.pods[0]->ledger.publish(searched);
  rig.run(*rig.collect);
  CHECK(rig.record(gone));
  // The entry that it waits for.
  const meta::Object left = rig.upload_of(Hash{{7}});
  must(run_blocking_for(rig.objects.meta().free(left.extents, 1)));
  rig.run(*rig.collect);
  rig.clock.advance(hours(25));
  rig.run(*rig.collect);
  rig.run(*rig.collect);
  CHECK_FALSE(rig.record(gone));
}
