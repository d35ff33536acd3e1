// Repair of stripes and manifests over in-process stores.
#include "mas/object/repair.h"

#include "mas/layout/leavers.h"
#include "mas/object/search.h"
#include "support/stripes.h"

namespace mas::object {
namespace {

using test::Contents;
using test::contents_of;
using test::holder_of;
using test::key_of;
using test::lose;
using test::lose_manifests;
using test::make_content;
using test::MemoryStore;
using test::ObjectRig;
using test::stripes_of;

const std::vector<std::size_t> kSizes = {3000, 100'000, 300'000, 700'000};
const std::vector<std::size_t> kPods = {1, 2, 6};

Result<Mended> repair(ObjectRig& rig, const StripeRef& stripe, Care care = Care::quick) {
  return run_blocking_for(rig.objects().upkeep().repair(stripe, care));
}

std::vector<Standing> inspect(ObjectRig& rig, const meta::Object& object) {
  return run_blocking_for(rig.objects().upkeep().inspect(stripes_of(object)));
}

TEST_CASE("any m lost shards are made anew byte for byte, and counted") {
  for (std::size_t pods : {2u, 6u}) {
    for (std::size_t size : kSizes) {
      ObjectRig rig({.pods = pods});
      meta::Object object = must(rig.put(make_content(size))).object;
      const Contents before = contents_of(rig, pods);
      double counted = 0;
      for (const StripeRef& stripe : stripes_of(object)) {
        const int width = stripe.extent.profile.width();
        for (int first = 0; first < width; ++first) {
          for (int second = 0; second < width; ++second) {
            std::set<int> gone{first};
            if (stripe.extent.profile.m > 1) gone.insert(second);
            for (int shard : gone) REQUIRE(lose(rig, stripe, shard));
            Mended mended = must(repair(rig, stripe));
            CHECK(mended.rebuilt == static_cast<int>(gone.size()));
            CHECK(mended.standing.held == width);
            CHECK(mended.bytes > 0);
            CHECK_FALSE(mended.beyond_repair);
            counted += mended.rebuilt;
            bool same = contents_of(rig, pods) == before;
            CHECK(same);
          }
        }
      }
      CHECK(rig.counter("mas_repaired_total") == counted);
    }
  }
}

TEST_CASE("what is whole is left alone") {
  for (std::size_t pods : kPods) {
    ObjectRig rig({.pods = pods});
    meta::Object object = must(rig.put(make_content(300'000))).object;
    std::uint64_t puts = rig.store(0).calls(MemoryStore::Op::put);
    for (const Standing& standing : inspect(rig, object)) {
      CHECK(standing.held == standing.meant);
      CHECK(standing.lost() == 0);
    }
    for (const StripeRef& stripe : stripes_of(object)) {
      for (Care care : {Care::quick, Care::thorough}) {
        Mended mended = must(repair(rig, stripe, care));
        CHECK(mended.rebuilt == 0);
        CHECK(mended.standing.held == stripe.extent.profile.width());
      }
    }
    CHECK(rig.store(0).calls(MemoryStore::Op::put) == puts);
  }
}

TEST_CASE("a whole store that was lost is filled again") {
  for (std::size_t pods : {2u, 6u}) {
    ObjectRig rig({.pods = pods});
    std::vector<meta::Object> objects;
    for (std::size_t size : kSizes) objects.push_back(must(rig.put(make_content(size))).object);
    const Contents before = contents_of(rig, pods);
    for (const RecordKey& key : rig.store(1).keys()) rig.store(1).lose(key);
    for (const meta::Object& object : objects) {
      for (const StripeRef& stripe : stripes_of(object)) must(repair(rig, stripe));
      must(run_blocking_for(rig.objects().upkeep().repair_manifest(object)));
    }
    bool same = contents_of(rig, pods) == before;
    CHECK(same);
  }
}

TEST_CASE("wrong bits are found by a thorough repair, and by a quick one that reads them") {
  ObjectRig rig({.pods = 6});
  meta::Object object = must(rig.put(make_content(100'000))).object;
  StripeRef stripe = stripes_of(object)[0];
  const Contents before = contents_of(rig, 6);
  std::size_t bad = holder_of(rig, stripe, 2);
  REQUIRE(rig.store(bad).corrupt(key_of(stripe, 2), 5000));
  CHECK(must(repair(rig, stripe)).rebuilt == 0);
  CHECK(must(repair(rig, stripe, Care::thorough)).rebuilt == 1);
  CHECK(contents_of(rig, 6) == before);
  // Shard 0 is absent, so shard 2 is needed and found wrong.
  REQUIRE(rig.store(bad).corrupt(key_of(stripe, 2), 5000));
  REQUIRE(lose(rig, stripe, 0));
  Mended mended = must(repair(rig, stripe));
  CHECK(mended.rebuilt == 2);
  CHECK(contents_of(rig, 6) == before);
}

TEST_CASE("a shard that cannot be read counts as lost to a thorough repair") {
  ObjectRig rig({.pods = 6});
  meta::Object object = must(rig.put(make_content(100'000))).object;
  StripeRef stripe = stripes_of(object)[0];
  std::size_t bad = holder_of(rig, stripe, 1);
  rig.store(bad).inject({.op = MemoryStore::Op::read,
                         .key = key_of(stripe, 1),
                         .error = Error(Code::io, "EIO"),
                         .times = 1});
  std::uint64_t puts = rig.store(bad).calls(MemoryStore::Op::put);
  CHECK(must(repair(rig, stripe, Care::thorough)).rebuilt == 1);
  CHECK(rig.store(bad).calls(MemoryStore::Op::put) == puts + 1);
}

TEST_CASE("shards that lie elsewhere are brought home, though too few are at home") {
  ObjectRig rig({.pods = 6});
  std::string content = make_content(100'000);
  meta::Object object = must(rig.put(content)).object;
  StripeRef stripe = stripes_of(object)[0];
  const Contents before = contents_of(rig, 6);
  for (int shard : {0, 1, 2, 3, 4}) {
    std::size_t from = holder_of(rig, stripe, shard);
    Slice payload = *rig.store(from).payload(key_of(stripe, shard));
    must(run_blocking_for(rig.store((from + 1) % 6).put(key_of(stripe, shard), {payload})));
    REQUIRE(lose(rig, stripe, shard));
  }
  Mended mended = must(repair(rig, stripe));
  CHECK(mended.rebuilt == 5);
  const Contents after = contents_of(rig, 6);
  for (std::size_t pod = 0; pod < 6; ++pod) {
    for (const auto& [key, payload] : before[pod]) {
      bool same = after[pod].contains(key) && after[pod].at(key) == payload;
      CHECK(same);
    }
  }
}

TEST_CASE("beyond m lost shards the stripe is beyond repair once everybody has answered") {
  for (std::size_t pods : kPods) {
    ObjectRig rig({.pods = pods});
    meta::Object object = must(rig.put(make_content(100'000))).object;
    StripeRef stripe = stripes_of(object)[0];
    const int m = stripe.extent.profile.m;
    const int k = stripe.extent.profile.k;
    for (int shard = 0; shard <= m; ++shard) REQUIRE(lose(rig, stripe, shard));
    if (pods > 1) {
      // The one that is away might have more.
      std::size_t away = pods - 1;
      rig.drop(away);
      Result<Mended> mended = repair(rig, stripe);
      CHECK(code_of(mended) == Code::too_few_pods_read);
      rig.bring_back(away);
    }
    Mended mended = must(repair(rig, stripe));
    CHECK(mended.beyond_repair);
    CHECK(mended.rebuilt == 0);
    CHECK(mended.standing.held == k - 1);
    CHECK(mended.standing.spare() == -1);
  }
}

TEST_CASE("what only somebody may have who has left and is away is not called lost") {
  ObjectRig rig({.pods = 6});
  meta::Object object = must(rig.put(make_content(100'000))).object;
  StripeRef stripe = stripes_of(object)[0];
  const std::size_t leaves = holder_of(rig, stripe, 5);
  for (int shard : {0, 1}) REQUIRE(lose(rig, stripe, shard));
  rig.drop(leaves);
  enum class Leaver { there, away, settled, given_up };
  auto publish = [&rig, leaves, first = *rig.board().current()](Leaver leaver) {
    membership::ClusterView view = first;
    std::vector<layout::Member> stay = view.layout.members;
    const layout::Member gone = stay[leaves];
    stay.erase(stay.begin() + static_cast<std::ptrdiff_t>(leaves));
    view.layout = layout::next(view.layout, stay);
    if (leaver >= Leaver::settled) view.layout = layout::settled(view.layout);
    if (leaver == Leaver::given_up) {
      view.layout = layout::given_up(view.layout, layout::sources(view.layout));
    }
    membership::Pod pod;
    pod.last.slot = gone.slot;
    pod.last.incarnation = gone.incarnation;
    pod.alive = leaver == Leaver::there;
    view.pods.push_back(pod);
    rig.board().publish(std::move(view));
  };
  for (Leaver leaver : {Leaver::there, Leaver::away, Leaver::settled}) {
    publish(leaver);
    Mended mended = must(repair(rig, stripe));
    CHECK_FALSE(mended.beyond_repair);
    CHECK(code_of(rig.get(object)) == Code::too_few_pods_read);
    // No repair can do more, and everybody who is present has said so.
    auto searching = search(rig.transport(), rig.board().current(), {stripe});
    const Found found = run_blocking_for(std::move(searching)).at(0);
    CHECK(found.shards == 3);
    CHECK_FALSE(found.unanswered);
  }
  CHECK_FALSE(must(rig.find(object.hash)).damaged);
  publish(Leaver::given_up);
  CHECK(must(repair(rig, stripe)).beyond_repair);
  CHECK(code_of(rig.get(object)) == Code::damaged);
}

TEST_CASE("what somebody has who has left is read, and put where it belongs") {
  ObjectRig rig({.pods = 6});
  const std::string content = make_content(100'000);
  meta::Object object = must(rig.put(content)).object;
  StripeRef stripe = stripes_of(object)[0];
  const std::size_t leaves = holder_of(rig, stripe, 5);
  for (int shard : {0, 1}) REQUIRE(lose(rig, stripe, shard));
  membership::ClusterView view = *rig.board().current();
  std::vector<layout::Member> stay = view.layout.members;
  membership::Pod pod;
  pod.last.slot = stay[leaves].slot;
  pod.last.incarnation = stay[leaves].incarnation;
  stay.erase(stay.begin() + static_cast<std::ptrdiff_t>(leaves));
  // Settled: no row names it.
  view.layout = layout::settled(layout::next(view.layout, stay));
  view.pods.push_back(pod);
  rig.board().publish(view);
  CHECK(must(rig.get(object)) == content);
  Mended mended = must(repair(rig, stripe));
  CHECK(mended.rebuilt >= 2);
  CHECK(mended.standing.spare() >= 1);
  rig.drop(leaves);
  CHECK(must(rig.get(object)) == content);
}

TEST_CASE("holders that are away are counted and nothing is rebuilt elsewhere") {
  ObjectRig rig({.pods = 6});
  meta::Object object = must(rig.put(make_content(100'000))).object;
  StripeRef stripe = stripes_of(object)[0];
  const Contents before = contents_of(rig, 6);
  rig.drop(holder_of(rig, stripe, 3));
  Standing standing = inspect(rig, object)[0];
  CHECK(standing.away == 1);
  CHECK(standing.lost() == 1);
  CHECK(standing.spare() == 1);
  Mended mended = must(repair(rig, stripe));
  CHECK(mended.rebuilt == 0);
  CHECK(contents_of(rig, 6) == before);
}

TEST_CASE("a store that acknowledges and keeps nothing is not counted") {
  ObjectRig rig({.pods = 6});
  meta::Object object = must(rig.put(make_content(100'000))).object;
  StripeRef stripe = stripes_of(object)[0];
  REQUIRE(lose(rig, stripe, 4));
  MemoryStore& liar = rig.store(holder_of(rig, stripe, 4));
  liar.lie(true);
  CHECK(code_of(repair(rig, stripe)) == Code::not_found);
  CHECK(rig.counter("mas_repaired_total") == 0);
  liar.lie(false);
  CHECK(must(repair(rig, stripe)).rebuilt == 1);
  CHECK(rig.counter("mas_repaired_total") == 1);
}

TEST_CASE("what nothing refers to is not brought back") {
  ObjectRig rig({.pods = 6});
  meta::Object object = must(rig.put(make_content(300'000))).object;
  must(rig.remove(object.hash));
  meta::Object condemned = *must(run_blocking_for(rig.meta().find(object.hash)));
  rig.forget_deleted(object.hash);
  StripeRef stripe = stripes_of(object)[0];
  REQUIRE(lose(rig, stripe, 0));
  lose_manifests(rig, 6);
  const Contents before = contents_of(rig, 6);
  Mended mended = must(repair(rig, stripe));
  CHECK(mended.unreferenced);
  CHECK(mended.rebuilt == 0);
  CHECK(must(run_blocking_for(rig.objects().upkeep().repair_manifest(object))).unreferenced);
  CHECK(contents_of(rig, 6) == before);
}

TEST_CASE("manifests are written anew from the record, though all are gone") {
  for (std::size_t pods : kPods) {
    ObjectRig rig({.pods = pods});
    meta::Object object = must(rig.put(make_content(700'000))).object;
    const Contents before = contents_of(rig, pods);
    lose_manifests(rig, pods);
    Upkeep& upkeep = rig.objects().upkeep();
    std::vector<Standing> standing = run_blocking_for(upkeep.inspect_manifests({object}));
    REQUIRE(standing.size() == 1);
    CHECK(standing[0].absent == standing[0].meant);
    must(run_blocking_for(rig.meta().set_damaged(object.hash, object.generation, true)));
    object.damaged = true;
    Mended mended = must(run_blocking_for(upkeep.repair_manifest(object)));
    CHECK(mended.rebuilt == standing[0].meant);
    CHECK(contents_of(rig, pods) == before);
  }
}

TEST_CASE("an object of one stripe that carries its record gets no manifest") {
  for (std::size_t pods : kPods) {
    ObjectRig rig({.pods = pods});
    meta::Object object = must(rig.put(make_content(20'000))).object;
    const Contents before = contents_of(rig, pods);
    Mended mended = must(run_blocking_for(rig.objects().upkeep().repair_manifest(object)));
    CHECK(mended.rebuilt == 0);
    CHECK(mended.standing.held == mended.standing.meant);
    CHECK(contents_of(rig, pods) == before);
  }
}

TEST_CASE("readers report what they fell over, each stripe once") {
  ObjectRig rig({.pods = 6});
  meta::Object object = must(rig.put(make_content(100'000))).object;
  StripeRef stripe = stripes_of(object)[0];
  Upkeep& upkeep = rig.objects().upkeep();
  CHECK_FALSE(upkeep.next_hint());
  REQUIRE(lose(rig, stripe, 0));
  REQUIRE(lose(rig, stripe, 1));
  must(rig.get(object));
  must(rig.get(object));
  auto hint = upkeep.next_hint();
  REQUIRE(hint);
  CHECK(hint->key == key_of(stripe, 0));
  CHECK(hint->extent == stripe.extent);
  CHECK_FALSE(upkeep.next_hint());
  // A pod that does not answer is not a missing shard.
  must(repair(rig, stripe));
  rig.drop(holder_of(rig, stripe, 2));
  must(rig.get(object));
  CHECK_FALSE(upkeep.next_hint());
}

TEST_CASE("a full queue of hints forgets") {
  ObjectRig rig;
  Upkeep& upkeep = rig.objects().upkeep();
  for (std::uint64_t stripe = 0; stripe < 5000; ++stripe) {
    upkeep.report({RecordKey::shard(Id128{}, stripe, 3)});
  }
  std::size_t kept = 0;
  while (upkeep.next_hint()) ++kept;
  CHECK(kept == 1024);
  upkeep.report({RecordKey::shard(Id128{}, 1, 3)});
  CHECK(upkeep.next_hint());
}

TEST_CASE("a stripe is found from any other shard of it") {
  ObjectRig rig({.pods = 6});
  std::string content = make_content(700'000);
  meta::Object object = must(rig.put(content)).object;
  Upkeep& upkeep = rig.objects().upkeep();
  for (const StripeRef& stripe : stripes_of(object)) {
    REQUIRE(lose(rig, stripe, 0));
    auto found = run_blocking_for(upkeep.stripe_of(key_of(stripe, 0)));
    REQUIRE(found);
    CHECK(found->extent.profile == stripe.extent.profile);
    CHECK(must(repair(rig, *found)).rebuilt == 1);
  }
  CHECK(must(rig.get(object)) == content);
  CHECK_FALSE(run_blocking_for(upkeep.stripe_of(RecordKey::shard(Id128{{9}}, 0, 0))));
}

TEST_CASE("a file that is marked damaged is read through before anybody believes it") {
  ObjectRig rig({.pods = 2});
  meta::Object object = must(rig.put(make_content(300'000))).object;
  Upkeep& upkeep = rig.objects().upkeep();
  must(run_blocking_for(upkeep.read_through(object)));
  StripeRef stripe = stripes_of(object)[1];
  for (int shard : {0, 1}) {
    REQUIRE(rig.store(holder_of(rig, stripe, shard)).corrupt(key_of(stripe, shard), 7000));
  }
  CHECK(code_of(run_blocking_for(upkeep.read_through(object))) == Code::damaged);
  must(run_blocking_for(upkeep.mark(object, true)));
  CHECK(must(rig.find(object.hash)).damaged);
  must(run_blocking_for(upkeep.mark(object, false)));
  CHECK_FALSE(must(rig.find(object.hash)).damaged);
  // A record that was replaced meanwhile is nobody's business.
  object.generation += 1;
  must(run_blocking_for(upkeep.mark(object, true)));
  CHECK_FALSE(must(rig.find(object.hash)).damaged);
}

TEST_CASE("repair with any of its calls failing leaves right bytes, and the next one completes") {
  std::string content = make_content(300'000);
  std::uint64_t tried = 0;
  for (bool applied : {false, true}) {
    for (std::uint64_t nth = 0;; ++nth) {
      ObjectRig rig({.pods = 6});
      meta::Object object = must(rig.put(content)).object;
      const Contents before = contents_of(rig, 6);
      for (const StripeRef& stripe : stripes_of(object)) {
        REQUIRE(lose(rig, stripe, 1));
        REQUIRE(lose(rig, stripe, 4));
      }
      rig.faults.fail_nth(nth, applied);
      bool clean = true;
      for (const StripeRef& stripe : stripes_of(object)) {
        Result<Mended> mended = repair(rig, stripe);
        clean = clean && mended.has_value() && mended->standing.lost() == 0;
        if (mended.has_value()) CHECK_FALSE(mended->beyond_repair);
      }
      bool hit = rig.faults.hit();
      rig.faults.clear();
      INFO("call " << nth << (applied ? " hidden" : " refused"));
      for (const StripeRef& stripe : stripes_of(object)) must(repair(rig, stripe));
      CHECK(contents_of(rig, 6) == before);
      CHECK(must(rig.get(object)) == content);
      if (!hit) {
        CHECK(clean);
        break;
      }
      ++tried;
    }
  }
  CHECK(tried > 40);
}

}  // namespace
}  // namespace mas::object
