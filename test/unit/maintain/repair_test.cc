// The repair worker over whole clusters: walks, hints, the ledger.
#include "cluster_rig.h"
#include "maintain/slices.h"

using namespace mas;
using namespace mas::test;
using object::StripeRef;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const std::vector<std::size_t> kSizes = {3000, 100'000, 300'000, 700'000};

std::vector<meta::Object> put_all(ClusterRig& rig) {
  std::vector<meta::Object> objects;
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    objects.push_back(must(rig.objects.put(make_content(kSizes[i], i))).object);
  }
  return objects;
}

bool reads_back(ClusterRig& rig, const meta::Object& object, std::uint64_t seed) {
  return must(rig.objects.download(object.hash)) == make_content(object.size, seed);
}

std::uint64_t count_stripes(const std::vector<meta::Object>& objects) {
  std::uint64_t count = 0;
  for (const meta::Object& object : objects) count += stripes_of(object).size();
  return count;
}

bool is_damaged(ClusterRig& rig, const meta::Object& object) {
  return must(rig.objects.find(object.hash)).damaged;
}

}  // namespace

TEST_CASE("a whole cluster is walked, counted and left as it is") {
  for (std::size_t count : {1u, 2u, 6u}) {
    ClusterRig rig(count);
    std::vector<meta::Object> objects = put_all(rig);
    auto before = rig.contents();
    CHECK(rig.walk());
    std::map<int, std::uint64_t> whole{{0, count_stripes(objects)}};
    CHECK(rig.stripes() == whole);
    CHECK(rig.survives() == std::min<int>(static_cast<int>(count) - 1, 2));
    bool same = rig.contents() == before;
    CHECK(same);
    maintain::SliceSet all;
    for (auto& pod : rig.pods) {
      maintain::Walked walked = pod->ledger.walked();
      CHECK(walked.layout_version == rig.view.layout.version);
      CHECK(walked.begun == rig.clock.now());
      CHECK((all & walked.slices).none());
      all |= walked.slices;
      CHECK(pod->ledger.picture().complete);
    }
    CHECK(all.all());
  }
}

TEST_CASE("up to m lost shards of every stripe, and lost manifests, are made anew") {
  for (std::size_t count : {2u, 6u}) {
    ClusterRig rig(count);
    std::vector<meta::Object> objects = put_all(rig);
    auto before = rig.contents();
    for (const meta::Object& object : objects) {
      for (const StripeRef& stripe : stripes_of(object)) {
        for (int shard = 0; shard < stripe.extent.profile.m; ++shard) {
          REQUIRE(rig.lose(stripe, shard));
        }
      }
    }
    lose_manifests(rig.objects, count);
    CHECK(rig.walk());
    bool same = rig.contents() == before;
    CHECK(same);
    std::map<int, std::uint64_t> whole{{0, count_stripes(objects)}};
    CHECK(rig.stripes() == whole);
    std::uint64_t done = 0;
    for (auto& pod : rig.pods) {
      maintain::WorkerStatus status;
      pod->repair->describe(status);
      done += status.done;
      CHECK(status.progress == 1);
      CHECK(status.last_error.empty());
    }
    CHECK(static_cast<double>(done) == rig.objects.counter("mas_repaired_total"));
  }
}

TEST_CASE("a pod that lost its whole store has it back after one walk") {
  ClusterRig rig(6);
  std::vector<meta::Object> objects = put_all(rig);
  auto before = rig.contents();
  for (const RecordKey& key : rig.objects.store(3).keys()) rig.objects.store(3).lose(key);
  CHECK(rig.walk());
  bool same = rig.contents() == before;
  CHECK(same);
  CHECK(rig.survives() == 2);
}

TEST_CASE("beyond m a file is marked damaged, never served wrong, and cleared when it is back") {
  for (std::size_t count : {1u, 2u, 6u}) {
    ClusterRig rig(count);
    std::vector<meta::Object> objects = put_all(rig);
    StripeRef stripe = stripes_of(objects[2]).back();
    const int m = stripe.extent.profile.m;
    std::vector<std::pair<std::size_t, Slice>> kept;
    for (int shard = 0; shard <= m; ++shard) {
      std::size_t pod = rig.holder_of(stripe, shard);
      kept.emplace_back(pod, *rig.objects.store(pod).payload(key_of(stripe, shard)));
      REQUIRE(rig.lose(stripe, shard));
    }
    CHECK(rig.walk());
    CHECK(is_damaged(rig, objects[2]));
    CHECK(rig.survives() == -1);
    CHECK(rig.stripes()[m + 1] == 1);
    CHECK(code_of(rig.objects.download(objects[2].hash)) == Code::damaged);
    std::string content = make_content(objects[2].size, 2);
    CHECK(content.compare(0, rig.objects.partial.size(), rig.objects.partial) == 0);
    for (std::size_t i : {0u, 1u, 3u}) {
      CHECK_FALSE(is_damaged(rig, objects[i]));
      CHECK(reads_back(rig, objects[i], i));
    }
    // Nobody has more of it: it does not keep a layout from settling.
    maintain::SliceSet slices;
    for (auto& pod : rig.pods) slices |= pod->ledger.walked().slices;
    CHECK(slices.all());
    // One shard is enough to make the others again.
    must(run_blocking_for(
        rig.objects.store(kept[0].first).put(key_of(stripe, 0), {kept[0].second})));
    CHECK(rig.walk());
    CHECK_FALSE(is_damaged(rig, objects[2]));
    CHECK(reads_back(rig, objects[2], 2));
    CHECK(rig.survives() == m);
  }
}

TEST_CASE("a mark stays as long as a byte cannot be read, whatever the holders say") {
  ClusterRig rig(1);
  meta::Object object = put_all(rig)[1];
  StripeRef stripe = stripes_of(object)[0];
  must(run_blocking_for(rig.objects.meta().set_damaged(object.hash, object.generation, true)));
  REQUIRE(rig.objects.store(0).corrupt(key_of(stripe, 0), 5000));
  CHECK(rig.walk());
  CHECK(is_damaged(rig, object));
  CHECK(rig.walk());
  CHECK(is_damaged(rig, object));
  CHECK(rig.survives() == -1);
}

TEST_CASE("while a pod is away nothing is called damaged, and nothing is put elsewhere") {
  ClusterRig rig(6);
  std::vector<meta::Object> objects = put_all(rig);
  auto before = rig.contents();
  rig.walk();
  for (std::size_t pod : {1u, 2u, 4u}) rig.go_down(pod);
  // At once: the set of live pods has changed.
  for (std::size_t pod : {0u, 3u, 5u}) {
    CHECK(rig.run(*rig.pods[pod]->repair));
    CHECK_FALSE(rig.pods[pod]->ledger.walked().slices.all());
  }
  CHECK(rig.survives() < 0);
  CHECK(rig.stripes()[3] > 0);
  for (const meta::Object& object : objects) CHECK_FALSE(is_damaged(rig, object));
  bool same = rig.contents() == before;
  CHECK(same);
  for (std::size_t pod : {1u, 2u, 4u}) rig.come_back(pod);
  CHECK(rig.walk());
  CHECK(rig.survives() == 2);
}

TEST_CASE("every slice has one owner among the live, and a death moves only the dead one's") {
  ClusterRig rig(6);
  std::vector<maintain::SliceSet> before;
  for (std::size_t i = 0; i < 6; ++i) before.push_back(maintain::own_slices(rig.view_for(i)));
  rig.go_down(2);
  maintain::SliceSet all;
  for (std::size_t i = 0; i < 6; ++i) {
    if (i == 2) continue;
    maintain::SliceSet now = maintain::own_slices(rig.view_for(i));
    CHECK((all & now).none());
    CHECK((before[i] & ~now).none());
    CHECK(now.count() > 20);
    all |= now;
  }
  CHECK(all.all());
}

TEST_CASE("a walk begins by the interval, and at once when the layout changes") {
  ClusterRig rig(1);
  maintain::Worker& worker = *rig.pods[0]->repair;
  maintain::Ledger& ledger = rig.pods[0]->ledger;
  rig.run(worker);
  Instant first = ledger.walked().begun;
  rig.clock.advance(minutes(9));
  rig.run(worker);
  CHECK(ledger.walked().begun == first);
  rig.clock.advance(minutes(1));
  rig.run(worker);
  CHECK(ledger.walked().begun == rig.clock.now());
  rig.clock.advance(seconds(1));
  ++rig.view.layout.version;
  rig.publish();
  rig.run(worker);
  CHECK(ledger.walked().begun == rig.clock.now());
  CHECK(ledger.walked().layout_version == rig.view.layout.version);
}

TEST_CASE("a walk that the layout overtakes begins again") {
  ClusterRig rig(1);
  put_all(rig);
  maintain::Worker& worker = *rig.pods[0]->repair;
  must(run_blocking_for(worker.step()));
  ++rig.view.layout.version;
  rig.publish();
  rig.clock.advance(seconds(1));
  rig.run(worker);
  CHECK(rig.pods[0]->ledger.walked().layout_version == rig.view.layout.version);
  CHECK(rig.pods[0]->ledger.walked().begun == rig.clock.now());
}

TEST_CASE("what is most at risk is repaired first") {
  ClusterRig rig(6);
  std::vector<StripeRef> safe, risky;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    meta::Object object = must(rig.objects.put(make_content(100'000, seed))).object;
    StripeRef stripe = stripes_of(object)[0];
    REQUIRE(rig.lose(stripe, 0));
    if (seed % 3 == 0) REQUIRE(rig.lose(stripe, 5));
    (seed % 3 == 0 ? risky : safe).push_back(stripe);
  }
  auto is_whole = [&](const StripeRef& stripe) {
    return rig.objects.store(rig.holder_of(stripe, 0)).payload(key_of(stripe, 0)).has_value();
  };
  rig.go_down(rig.pods.size() - 1);  // so that pod 0 is not everybody; its slices are walked below
  rig.come_back(rig.pods.size() - 1);
  maintain::SliceSet own = maintain::own_slices(rig.view_for(0));
  int steps = 0;
  for (bool done = false; !done && steps < 1000; ++steps) {
    done = must(run_blocking_for(rig.pods[0]->repair->step())) >= seconds(1);
    bool safe_touched = false;
    bool risky_left = false;
    for (const StripeRef& stripe : safe) safe_touched |= is_whole(stripe);
    std::uint64_t seed = 0;
    for (const StripeRef& stripe : risky) {
      Hash hash = hash_of(make_content(100'000, seed));
      risky_left |= own[hash.bytes[0]] && !is_whole(stripe);
      seed += 3;
    }
    CHECK_FALSE((safe_touched && risky_left));
  }
}

TEST_CASE("parts of open and sealed uploads are repaired, extents being written are left alone") {
  ClusterRig rig(6);
  std::string content = make_content(400'000);
  object::SessionKey key{hash_of(content), ""};
  must(rig.objects.init(key));
  must(rig.objects.part(key, 1, content.substr(0, 200'000)));
  must(rig.objects.part(key, 2, content.substr(200'000)));
  meta::Upload upload = must(rig.objects.session(key)).upload;
  meta::Extent writing{Id128{{77}}, 100'000, 131'072, Profile{4, 2}};
  must(run_blocking_for(rig.objects.meta().register_extent(upload.id, writing)));
  auto before = rig.contents();
  for (const meta::Part& part : must(run_blocking_for(rig.objects.meta().parts(upload.id, 0, 9)))) {
    for (const StripeRef& stripe : stripes_of(part.extents)) REQUIRE(rig.lose(stripe, 1));
  }
  CHECK(rig.walk());
  bool same = rig.contents() == before;
  CHECK(same);
  CHECK(rig.survives() == 2);
}

TEST_CASE("a hint is acted on before the next walk") {
  ClusterRig rig(6);
  meta::Object object = put_all(rig)[1];
  StripeRef stripe = stripes_of(object)[0];
  rig.walk();
  auto before = rig.contents();
  // As a reader says it, as scrub says it, and for a manifest.
  REQUIRE(rig.lose(stripe, 0));
  must(rig.objects.get(object));
  rig.run(*rig.pods[0]->repair);
  CHECK(rig.contents() == before);
  REQUIRE(rig.lose(stripe, 3));
  rig.objects.objects().upkeep().report({key_of(stripe, 3)});
  rig.run(*rig.pods[0]->repair);
  CHECK(rig.contents() == before);
}

TEST_CASE("what could not be repaired is walked over again soon, so that the ledger is not stale") {
  ClusterRig rig(6);
  std::vector<meta::Object> objects = put_all(rig);
  StripeRef stripe = stripes_of(objects[1])[0];
  REQUIRE(rig.lose(stripe, 0));
  const std::size_t holder = rig.holder_of(stripe, 0);
  rig.objects.store(holder).inject(
      {.op = MemoryStore::Op::put, .key = key_of(stripe, 0), .error = Error(Code::io, "no")});
  CHECK(rig.walk());
  CHECK(rig.stripes()[1] == 1);
  // Its owner does not see that another pod's reader has it repaired.
  rig.objects.store(holder).clear_faults();
  must(rig.objects.get(objects[1]));
  std::size_t owner = 0;
  while (!maintain::own_slices(rig.view_for(owner))[objects[1].hash.bytes[0]]) ++owner;
  rig.run(*rig.pods[(owner + 1) % 6]->repair);
  CHECK(rig.stripes()[1] == 1);
  rig.clock.advance(rig.options.repair_interval / 10);
  for (auto& pod : rig.pods) CHECK(rig.run(*pod->repair));
  std::map<int, std::uint64_t> whole{{0, count_stripes(objects)}};
  CHECK(rig.stripes() == whole);
}

TEST_CASE("a hint that is repaired on its owner takes it off the ledger soon") {
  ClusterRig rig(1);
  meta::Object object = put_all(rig)[1];
  StripeRef stripe = stripes_of(object)[0];
  Slice kept = *rig.objects.store(0).payload(key_of(stripe, 0));
  REQUIRE(rig.lose(stripe, 0));
  CHECK(rig.walk());
  CHECK(rig.survives() == -1);
  must(run_blocking_for(rig.objects.store(0).put(key_of(stripe, 0), {kept})));
  rig.objects.objects().upkeep().report({key_of(stripe, 0)});
  rig.run(*rig.pods[0]->repair);
  rig.clock.advance(rig.options.repair_interval / 10);
  CHECK(rig.run(*rig.pods[0]->repair));
  CHECK(rig.survives() == 0);
}

TEST_CASE("on one pod what scrub found marks the file at once") {
  ClusterRig rig(1);
  std::vector<meta::Object> objects = put_all(rig);
  maintain::Worker& worker = *rig.pods[0]->repair;
  rig.run(worker);
  rig.clock.advance(minutes(2));
  StripeRef stripe = stripes_of(objects[1])[0];
  REQUIRE(rig.objects.store(0).corrupt(key_of(stripe, 0), 5000));
  auto scrub = maintain::make_scrub_worker(rig.options, rig.pods[0]->deps.base,
                                           &rig.objects.objects().upkeep());
  must(run_blocking_for(scrub->step()));
  rig.run(worker);
  rig.run(worker);
  CHECK(is_damaged(rig, objects[1]));
  CHECK(rig.survives() == -1);
  std::map<int, std::uint64_t> expected{{0, count_stripes(objects) - 1}, {1, 1}};
  CHECK(rig.stripes() == expected);
}

TEST_CASE("one stripe that cannot be repaired does not keep the others from it") {
  ClusterRig rig(6);
  std::vector<meta::Object> objects = put_all(rig);
  StripeRef bad = stripes_of(objects[1])[0];
  for (const meta::Object& object : objects) {
    for (const StripeRef& stripe : stripes_of(object)) REQUIRE(rig.lose(stripe, 0));
  }
  rig.objects.store(rig.holder_of(bad, 0))
      .inject({.op = MemoryStore::Op::put, .key = key_of(bad, 0), .error = Error(Code::io, "no")});
  CHECK(rig.walk());
  std::map<int, std::uint64_t> expected{{0, count_stripes(objects) - 1}, {1, 1}};
  CHECK(rig.stripes() == expected);
  maintain::SliceSet slices;
  std::string errors;
  for (auto& pod : rig.pods) {
    slices |= pod->ledger.walked().slices;
    maintain::WorkerStatus status;
    pod->repair->describe(status);
    errors += status.last_error;
  }
  CHECK(slices.count() == maintain::kSlices - 1);
  CHECK_FALSE(slices[objects[1].hash.bytes[0]]);
  CHECK(errors.find("1 repairs of the last walk failed") != std::string::npos);
  rig.objects.store(rig.holder_of(bad, 0)).clear_faults();
  CHECK(rig.walk());
  CHECK(rig.survives() == 2);
}

TEST_CASE("two owners at once harm nothing") {
  ClusterRig rig(6);
  std::vector<meta::Object> objects = put_all(rig);
  auto before = rig.contents();
  for (const meta::Object& object : objects) {
    for (const StripeRef& stripe : stripes_of(object)) {
      REQUIRE(rig.lose(stripe, 0));
      REQUIRE(rig.lose(stripe, 1));
    }
  }
  // All of them think that they are pod 0, alone in the world but for its holders.
  auto walk_whole = [&](maintain::Worker& worker) -> Task<void> {
    for (int i = 0; i < 1000; ++i) {
      Result<Duration> rest = co_await worker.step();
      if (rest.has_value() && *rest >= seconds(1)) co_return;
    }
  };
  std::vector<std::unique_ptr<maintain::Worker>> twins;
  std::vector<Task<void>> tasks;
  for (auto& pod : rig.pods) {
    twins.push_back(maintain::make_repair_worker(rig.options, pod->deps));
    tasks.push_back(walk_whole(*pod->repair));
    tasks.push_back(walk_whole(*twins.back()));
  }
  run_together(std::move(tasks));
  bool same = rig.contents() == before;
  CHECK(same);
}

TEST_CASE("files deleted and sent again during a walk stay right") {
  for (int at = 0; at < 12; ++at) {
    ClusterRig rig(2);
    std::vector<meta::Object> objects = put_all(rig);
    for (const meta::Object& object : objects) {
      for (const StripeRef& stripe : stripes_of(object)) REQUIRE(rig.lose(stripe, 0));
    }
    for (int step = 0; step < at; ++step) must(run_blocking_for(rig.pods[0]->repair->step()));
    std::string content = make_content(kSizes[2], 2);
    must(rig.objects.remove(objects[2].hash));
    must(rig.objects.remove(objects[3].hash));
    meta::Object again = must(rig.objects.put(content)).object;
    CHECK(rig.walk());
    CHECK(rig.walk());
    CHECK_FALSE(is_damaged(rig, again));
    CHECK(must(rig.objects.download(again.hash)) == content);
    CHECK(code_of(rig.objects.find(objects[3].hash)) == Code::no_such_file);
    CHECK(rig.survives() == 1);
    CHECK(rig.objects.unexplained().empty());
  }
}

TEST_CASE("with any call of a walk failing the rules hold, and the next walk completes") {
  std::uint64_t tried = 0;
  for (bool applied : {false, true}) {
    // Every third call: the loop over all of them takes long, and repair's own suite has it.
    for (std::uint64_t nth = 0;; nth += 3) {
      ClusterRig rig(2);
      std::vector<meta::Object> objects = put_all(rig);
      auto before = rig.contents();
      for (const meta::Object& object : objects) {
        for (const StripeRef& stripe : stripes_of(object)) REQUIRE(rig.lose(stripe, 1));
      }
      rig.objects.faults.fail_nth(nth, applied);
      rig.walk();
      bool hit = rig.objects.faults.hit();
      rig.objects.faults.clear();
      INFO("call " << nth << (applied ? " hidden" : " refused"));
      for (const meta::Object& object : objects) CHECK_FALSE(is_damaged(rig, object));
      CHECK(rig.walk());
      bool same = rig.contents() == before;
      CHECK(same);
      CHECK(rig.survives() == 1);
      if (!hit) break;
      ++tried;
    }
  }
  CHECK(tried > 30);
}

TEST_CASE("the manifest of a deletion is written where it is missing") {
  ClusterRig rig(6);
  Hash hash = must(rig.objects.put(make_content(300'000))).object.hash;
  must(rig.objects.remove(hash));
  std::uint64_t deletion = must(run_blocking_for(rig.objects.meta().find(hash)))->generation;
  auto copies = [&] {
    std::vector<std::pair<std::size_t, RecordKey>> found;
    for (std::size_t pod = 0; pod < 6; ++pod) {
      for (const RecordKey& key : rig.objects.store(pod).keys()) {
        bool mine = key.kind == RecordKind::manifest && key.hash() == hash && key.major == deletion;
        if (mine) found.emplace_back(pod, key);
      }
    }
    return found;
  };
  auto before = copies();
  REQUIRE(before.size() == 3);
  for (const auto& [pod, key] : before) REQUIRE(rig.objects.store(pod).lose(key));
  CHECK(rig.walk());
  CHECK(copies() == before);
}
