// What a pod that has left the layout may tell a rebuild: which shards it has, and nothing else.
#include <catch2/catch.hpp>

#include "mas/layout/leavers.h"
#include "rebuild_rig.h"

using namespace mas;
using namespace mas::test;

namespace {

constexpr std::size_t kPods = 7;
constexpr std::size_t kLeaver = 6;

// Pod 6 has left, with all that it held.
void leave(RebuildRig& rig) {
  rig.go_down(kLeaver);
  std::vector<layout::Member> stay = rig.layout().members;
  stay.pop_back();
  layout::Layout next = layout::settled(layout::next(rig.layout(), stay));
  must(run_blocking_for(rig.objects.meta().propose_layout(rig.layout().version, next)));
  rig.view().layout = next;
  rig.publish();
  membership::ClusterView shown = *rig.objects.board().current();
  shown.layout = next;
  rig.objects.board().publish(shown);
}

// Everything that pods which are present hold of this content.
void lose_with_members(RebuildRig& rig, const meta::Object& object, bool manifests) {
  for (std::size_t pod = 0; pod < kLeaver; ++pod) {
    for (const RecordKey& key : rig.objects.store(pod).keys()) {
      const bool shard = key.kind == RecordKind::shard && key.extent() == object.extents.front().id;
      const bool manifest = key.kind == RecordKind::manifest && key.hash() == object.hash;
      if (shard || (manifests && manifest)) (void)rig.objects.store(pod).lose(key);
    }
  }
}

bool has_shard(RebuildRig& rig, std::size_t pod, const meta::Object& object) {
  for (const RecordKey& key : rig.objects.store(pod).keys()) {
    if (key.kind == RecordKind::shard && key.extent() == object.extents.front().id) return true;
  }
  return false;
}

// A small file, of which the pod that will leave has a copy with its record in it.
meta::Object put_small(RebuildRig& rig) {
  for (std::uint64_t seed = 1;; ++seed) {
    const Hash hash = rig.put(make_content(3000, seed));
    meta::Object object = must(rig.objects.find(hash));
    if (has_shard(rig, kLeaver, object)) return object;
  }
}

}  // namespace

TEST_CASE("what was deleted and collected while a pod had left does not come back through it") {
  RebuildRig rig(kPods);
  const meta::Object object = put_small(rig);
  leave(rig);
  rig.remove(object.hash);
  const std::uint64_t deletion = rig.record(object.hash)->generation;
  // By everybody but the pod that has left.
  meta::MetaStore& meta = rig.objects.meta();
  must(run_blocking_for(meta.release(object.hash, deletion, 1)));
  const std::uint64_t past = rig.record(object.hash)->released;
  must(run_blocking_for(meta.collected("mas-0", past, {"mas-0"})));
  must(run_blocking_for(meta.erase(object.hash, deletion, 1)));
  lose_with_members(rig, object, true);
  rig.come_back(kLeaver);
  rig.lose_metadata();
  must(rig.rebuild());
  CHECK_FALSE(rig.objects.find(object.hash).has_value());
  CHECK_FALSE(rig.record(object.hash));
  rig.check_files();
}

TEST_CASE("shards that only a pod has that has left count, and are waited for") {
  RebuildRig rig(kPods);
  const meta::Object object = put_small(rig);
  // The record of it is known to the others.
  for (std::size_t pod = 0; pod < kPods; ++pod) {
    for (std::uint16_t copy = 0; copy < 3; ++copy) {
      const RecordKey key = RecordKey::manifest(object.hash, object.generation, copy);
      const Slice bytes = Slice::copy_of(as_bytes(meta::encode(object)));
      if (pod == copy) must(run_blocking_for(rig.objects.store(pod).put(key, {bytes})));
    }
  }
  leave(rig);
  lose_with_members(rig, object, false);
  SECTION("it is there") {
    rig.come_back(kLeaver);
    rig.lose_metadata();
    must(rig.rebuild());
    CHECK(rig.record(object.hash));
    CHECK_FALSE(rig.record(object.hash)->damaged);
  }
  SECTION("it is away, and what the store holds is not called damaged") {
    CHECK(must(rig.rebuild()).not_restored == 1);
    CHECK_FALSE(rig.record(object.hash)->damaged);
    // Nothing is expected of it any more.
    layout::Layout next = layout::given_up(rig.layout(), layout::sources(rig.layout()));
    const std::uint64_t stored = rig.stored_layout()->version;
    next.version = stored + 1;
    must(run_blocking_for(rig.objects.meta().propose_layout(stored, next)));
    rig.view().layout = next;
    rig.publish();
    must(rig.rebuild());
    CHECK(rig.record(object.hash)->damaged);
  }
}
