// The census: what nothing explains, and what belongs to another pod.
#include "cluster_rig.h"

using namespace mas;
using namespace mas::test;
using object::StripeRef;
using std::chrono::hours;

namespace {

struct Census : ClusterRig {
  explicit Census(std::size_t count, config::Maintain maintain = {})
      : ClusterRig(count, maintain), worker(maintain::make_census_worker(options, pods[0]->deps)) {}

  bool pass() { return run(*worker); }
  maintain::Unexplained found() { return pods[0]->ledger.unexplained(); }
  // Shards in pod 0's store that nothing explains.
  Id128 leave_shards(std::uint8_t number, std::uint16_t shards) {
    Id128 extent{{number, 1, 2, 3}};
    for (std::uint16_t i = 0; i < shards; ++i) {
      must(run_blocking_for(
          objects.store(0).put(RecordKey::shard(extent, i, 0), {Slice::copy_of(as_bytes("x"))})));
    }
    return extent;
  }
  // A shard of a file that pod 0 holds beside its rightful holder.
  RecordKey leave_stray() {
    meta::Object object = must(objects.put(make_content(300'000))).object;
    for (const StripeRef& stripe : stripes_of(object)) {
      for (int shard = 0; shard < stripe.extent.profile.width(); ++shard) {
        std::size_t holder = holder_of(stripe, shard);
        if (holder == 0) continue;
        RecordKey key = key_of(stripe, shard);
        must(run_blocking_for(objects.store(0).put(key, {*objects.store(holder).payload(key)})));
        stray = stripe;
        stray_shard = shard;
        return key;
      }
    }
    FAIL("every shard belongs to pod 0");
    return {};
  }
  bool holds(const RecordKey& key) { return objects.store(0).payload(key).has_value(); }

  std::unique_ptr<maintain::Worker> worker;
  StripeRef stray;
  int stray_shard = 0;
};

}  // namespace

TEST_CASE("what is referred to, freed, or seen only once is explained") {
  Census rig(1);
  must(rig.objects.put(make_content(300'000)));
  meta::Object gone = must(rig.objects.put(make_content(100'000, 2))).object;
  must(rig.objects.remove(gone.hash));
  Id128 freed = rig.leave_shards(1, 3);
  meta::Extent extent{freed, 1, 1, Profile{1, 0}};
  must(run_blocking_for(rig.objects.meta().free({extent}, 1)));
  Id128 young = rig.leave_shards(2, 5);
  CHECK(rig.pass());
  CHECK(rig.found().shards == 0);
  CHECK(rig.found().records == rig.objects.store(0).keys().size());
  CHECK(rig.pass());
  CHECK(rig.found().shards == 5);
  CHECK(rig.found().strays == 0);
  // Found a reference after all.
  meta::Upload upload;
  upload.id = Id128{{5}};
  must(run_blocking_for(rig.objects.meta().open(upload)));
  extent.id = young;
  must(run_blocking_for(rig.objects.meta().register_extent(upload.id, extent)));
  CHECK(rig.pass());
  CHECK(rig.found().shards == 0);
}

TEST_CASE("more than 5 % unexplained stop collection until an operator says otherwise") {
  for (bool confirmed : {false, true}) {
    config::Maintain options;
    options.collect_unexplained = confirmed;
    Census rig(1, options);
    meta::Object object = must(rig.objects.put(make_content(300'000))).object;
    Id128 unexplained = rig.leave_shards(1, 30);
    meta::Extent freed{rig.leave_shards(2, 2), 1, 1, Profile{1, 0}};
    must(run_blocking_for(rig.objects.meta().free({freed}, rig.clock.wall().unix_seconds())));
    rig.pass();
    rig.pass();
    CHECK(rig.found().too_many());
    CHECK(rig.found().shards == 30);
    auto collect =
        maintain::make_collect_worker(options, rig.pods[0]->deps.base, &rig.pods[0]->ledger);
    (void)run_blocking_for(collect->step());
    rig.clock.advance(hours(25));
    Result<Duration> step = run_blocking_for(collect->step());
    auto count = [&](const Id128& extent) {
      std::size_t shards = 0;
      for (const RecordKey& key : rig.objects.store(0).keys()) {
        shards += key.kind == RecordKind::shard && key.extent() == extent ? 1 : 0;
      }
      return shards;
    };
    if (!confirmed) {
      CHECK(code_of(step) == Code::refused);
      CHECK(count(freed.id) == 2);
      CHECK(count(unexplained) == 30);
    } else {
      CHECK(step.has_value());
      CHECK(count(freed.id) == 0);
      CHECK(count(unexplained) == 0);
    }
    CHECK(must(rig.objects.download(object.hash)) == make_content(300'000));
  }
}

TEST_CASE("a few unexplained shards stop nothing") {
  Census rig(1);
  rig.leave_shards(1, 3);
  rig.pass();
  rig.pass();
  CHECK(rig.found().shards == 3);
  CHECK_FALSE(rig.found().too_many());
}

TEST_CASE("a stray goes when its holder has had it for the grace, and not before") {
  Census rig(6);
  RecordKey key = rig.leave_stray();
  std::size_t records = rig.objects.store(0).keys().size();
  CHECK(rig.pass());
  CHECK(rig.found().strays == 1);
  rig.clock.advance(hours(24));
  CHECK(rig.pass());
  CHECK(rig.holds(key));
  rig.clock.advance(hours(1));
  CHECK(rig.pass());
  CHECK_FALSE(rig.holds(key));
  CHECK(rig.objects.store(0).keys().size() == records - 1);
}

TEST_CASE("a stray whose holder does not have it stays, and is brought there") {
  Census rig(6);
  RecordKey key = rig.leave_stray();
  CHECK(rig.pass());
  rig.clock.advance(hours(25));
  REQUIRE(rig.lose(rig.stray, rig.stray_shard));
  CHECK(rig.pass());
  CHECK(rig.holds(key));
  CHECK(rig.found().strays == 0);
  rig.run(*rig.pods[0]->repair);
  CHECK(rig.objects.store(rig.holder_of(rig.stray, rig.stray_shard)).payload(key).has_value());
  // The mark was taken away: the grace begins again.
  CHECK(rig.pass());
  CHECK(rig.holds(key));
  rig.clock.advance(hours(25));
  CHECK(rig.pass());
  CHECK_FALSE(rig.holds(key));
}

TEST_CASE("a stray whose holder does not answer stays") {
  Census rig(6);
  RecordKey key = rig.leave_stray();
  CHECK(rig.pass());
  rig.clock.advance(hours(25));
  rig.objects.drop(rig.holder_of(rig.stray, rig.stray_shard));
  CHECK(rig.pass());
  CHECK(rig.holds(key));
  CHECK(rig.found().strays == 1);
}

TEST_CASE("a census with any of its calls failing removes nothing that is needed") {
  for (std::uint64_t nth = 0;; ++nth) {
    REQUIRE(nth < 100);
    Census rig(6);
    RecordKey key = rig.leave_stray();
    meta::Object object = must(rig.objects.find(hash_of(make_content(300'000))));
    rig.pass();
    rig.clock.advance(hours(25));
    rig.objects.faults.fail_nth(nth, false);
    (void)run_blocking_for(rig.worker->step());
    bool hit = rig.objects.faults.hit();
    rig.objects.faults.clear();
    CHECK(rig.objects.store(rig.holder_of(rig.stray, rig.stray_shard)).payload(key).has_value());
    CHECK(must(rig.objects.get(object)) == make_content(300'000));
    rig.pass();
    CHECK_FALSE(rig.holds(key));
    if (!hit) break;
  }
}

TEST_CASE(
    "while the metadata is not believed nothing counts as unexplained, and nothing is given up") {
  config::Maintain options;
  options.collect_unexplained = true;
  Census rig(1, options);
  rig.leave_shards(1, 30);
  CHECK(rig.pass());
  rig.view.halted_why = "The metadata store is empty.";
  rig.view.distrusted = true;
  rig.view.distrusts = 1;
  rig.publish();
  for (int i = 0; i < 3; ++i) CHECK(rig.pass());
  CHECK(rig.found().shards == 0);
  CHECK(must(run_blocking_for(rig.objects.meta().freed(0, 10))).empty());
  rig.view.halted_why.clear();
  rig.publish();
  // What was seen before counts for nothing: twice from now on.
  CHECK(rig.pass());
  CHECK(rig.found().shards == 0);
  CHECK(rig.pass());
  CHECK(rig.found().shards == 30);
}

// ---- Manifests ----

namespace {

// A manifest of `object` in pod 0's store.
RecordKey leave_manifest(Census& rig, const meta::Object& object) {
  const RecordKey key = RecordKey::manifest(object.hash, object.generation, 0);
  must(run_blocking_for(
      rig.objects.store(0).put(key, {Slice::copy_of(as_bytes(meta::encode(object)))})));
  return key;
}

std::vector<meta::ManifestRange> freed_manifests(Census& rig) {
  std::vector<meta::ManifestRange> ranges;
  for (const auto& entry : must(run_blocking_for(rig.objects.meta().freed(0, 1000)))) {
    if (entry.manifests) ranges.push_back(*entry.manifests);
  }
  return ranges;
}

// A live object that no record was ever made of.
meta::Object never_stored(Census& rig) {
  meta::Object object;
  object.hash = Hash{{0x42}};
  object.generation = must(run_blocking_for(rig.objects.meta().next_generation(1)));
  return object;
}

}  // namespace

TEST_CASE("a manifest that a later record made obsolete is listed as freed, once") {
  Census rig(1);
  const meta::Object object = must(rig.objects.put(make_content(300'000))).object;
  meta::Object older = object;
  older.generation = object.generation - 1;
  leave_manifest(rig, older);
  CHECK(rig.pass());
  const std::vector<meta::ManifestRange> listed{{object.hash, older.generation, older.generation}};
  CHECK(freed_manifests(rig) == listed);
  CHECK(rig.pass());
  CHECK(freed_manifests(rig) == listed);
  CHECK(rig.found().manifests == 0);
}

TEST_CASE("manifests from before a deletion are its record's") {
  Census rig(1);
  const meta::Object object = must(rig.objects.put(make_content(300'000))).object;
  must(rig.objects.remove(object.hash));
  for (int i = 0; i < 3; ++i) CHECK(rig.pass());
  CHECK(freed_manifests(rig).empty());
  CHECK(rig.found().manifests == 0);
}

TEST_CASE("manifests without a record are orphaned at the second pass, and go on a word only") {
  for (const bool confirmed : {false, true}) {
    config::Maintain options;
    options.collect_unexplained = confirmed;
    Census rig(1, options);
    const meta::Object object = must(rig.objects.put(make_content(300'000))).object;
    meta::Object later = object;
    later.generation = object.generation + 1000;
    const meta::Object stranger = never_stored(rig);
    leave_manifest(rig, later);
    leave_manifest(rig, stranger);
    CHECK(rig.pass());
    CHECK(rig.found().manifests == 0);
    CHECK(freed_manifests(rig).empty());
    CHECK(rig.pass());
    CHECK(rig.found().manifests == 2);
    CHECK(freed_manifests(rig).size() == (confirmed ? 2 : 0));
    CHECK_FALSE(must(run_blocking_for(rig.objects.meta().find(stranger.hash))));
  }
}

TEST_CASE("a commit that is slow is no orphan once its record is there") {
  Census rig(1);
  const meta::Object object = never_stored(rig);
  leave_manifest(rig, object);
  CHECK(rig.pass());
  REQUIRE(must(run_blocking_for(rig.objects.meta().commit(object, 0, std::nullopt))).committed);
  CHECK(rig.pass());
  CHECK(rig.pass());
  CHECK(rig.found().manifests == 0);
  CHECK(freed_manifests(rig).empty());
}

TEST_CASE("deletions that mas 0.1.0 left without a record end as all do") {
  Census rig(1);
  const meta::Object live = never_stored(rig);
  meta::Object deletion = never_stored(rig);
  deletion.state = meta::ObjectState::condemned;
  deletion.replaces = live.generation;
  deletion.condemned_at = 5;
  const RecordKey first = leave_manifest(rig, live);
  const RecordKey second = leave_manifest(rig, deletion);
  CHECK(rig.pass());
  CHECK_FALSE(must(run_blocking_for(rig.objects.meta().find(live.hash))));
  CHECK(rig.pass());
  CHECK(must(run_blocking_for(rig.objects.meta().find(live.hash))) == deletion);
  CHECK(rig.pass());
  CHECK(rig.found().manifests == 0);
  auto collect = maintain::make_collect_worker(rig.options, rig.pods[0]->deps.base);
  rig.run(*collect);
  CHECK(rig.holds(first));
  rig.clock.advance(hours(25));
  rig.run(*collect);
  CHECK_FALSE(rig.holds(first));
  CHECK(rig.holds(second));
  rig.run(*collect);
  rig.clock.advance(hours(25));
  rig.run(*collect);
  CHECK(rig.objects.store(0).keys().empty());
  CHECK_FALSE(must(run_blocking_for(rig.objects.meta().find(live.hash))));
}
