// Manifests that nothing needs any more go from every pod, in an order in which no deleted file
// comes back.
#include "rig.h"
#include "support/failing_seams.h"

using namespace mas;
using namespace mas::test;
using std::chrono::hours;

namespace {

// Pods that share the metadata of `MaintainRig`, each with a store and a collector of its own. A
// file has a manifest and shards on each of them.
struct Pods : MaintainRig {
  struct Pod {
    Pod(Pods& rig, std::uint8_t number, const membership::ClusterView& view)
        : store(number),
          board(view),
          collect(maintain::make_collect_worker(
              rig.options, {rig.failing, store, board, rig.clock, rig.metrics})) {}
    MemoryStore store;
    membership::ViewBoard board;
    std::unique_ptr<maintain::Worker> collect;
    bool down = false;
  };

  explicit Pods(std::size_t count) {
    std::vector<layout::Member> members;
    for (std::size_t i = 0; i < count; ++i) {
      const auto number = static_cast<std::uint8_t>(i + 1);
      members.push_back({"mas-" + std::to_string(i), Id128{{number}}, "", 1});
    }
    shared.layout = layout::found(Id128{}, members);
    for (const layout::Member& member : members) {
      membership::Pod pod;
      pod.last.slot = member.slot;
      pod.last.incarnation = member.incarnation;
      shared.pods.push_back(pod);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const auto number = static_cast<std::uint8_t>(i + 1);
      pods.push_back(std::make_unique<Pod>(*this, number, view_of(i)));
    }
  }

  membership::ClusterView view_of(std::size_t pod) const {
    membership::ClusterView own = shared;
    own.self = static_cast<layout::MemberIndex>(pod);
    return own;
  }
  void set_down(std::size_t pod, bool down) {
    pods[pod]->down = down;
    shared.pods[pod].alive = !down;
    for (std::size_t i = 0; i < pods.size(); ++i) pods[i]->board.publish(view_of(i));
  }

  // Everybody who is up steps until there is nothing to do, or it fails, now and after each of
  // `days`. `watch` looks on after each step.
  void collect(int days = 1, const std::function<void()>& watch = {}) {
    for (int day = 0; day <= days; ++day) {
      if (day > 0) clock.advance(hours(25));
      for (auto& pod : pods) {
        if (!pod->down) rest(*pod->collect, watch);
      }
    }
  }
  void rest(maintain::Worker& worker, const std::function<void()>& watch) {
    for (int i = 0; i < 100; ++i) {
      Result<Duration> rested = step(worker);
      if (watch) watch();
      if (rested.has_error()) REQUIRE(faults.hit());
      if (rested.has_error() || *rested > Duration(0)) return;
    }
    FAIL("the worker never rests");
  }
  void restart(std::size_t pod) {
    pods[pod]->collect = maintain::make_collect_worker(
        options, {failing, pods[pod]->store, pods[pod]->board, clock, metrics});
  }

  // Puts what the rig's own store holds on every pod, and nothing stays there.
  void share_out() {
    for (const RecordKey& key : store.keys()) {
      for (auto& pod : pods) put_on(*pod, key);
      store.lose(key);
    }
  }
  static void put_on(Pod& pod, const RecordKey& key) {
    must(run_blocking_for(pod.store.put(key, {Slice::copy_of(as_bytes("bytes"))})));
  }
  meta::Object file(std::optional<Hash> hash = {}) {
    meta::Object object = put_object(hash);
    share_out();
    return object;
  }
  meta::Object remove(const meta::Object& object) {
    meta::Object deleted = condemn(object);
    share_out();
    return deleted;
  }
  static bool holds(const Pod& pod, const Hash& hash, std::uint64_t generation) {
    const auto keys = pod.store.keys();
    return std::any_of(keys.begin(), keys.end(), [&](const RecordKey& key) {
      return key.kind == RecordKind::manifest && key.hash() == hash && key.major == generation;
    });
  }

  // Whether some pod has a manifest of `deleted`'s hash from before the deletion, and nothing that
  // says so: a rebuild of the metadata would take the file for live.
  bool may_revive(const meta::Object& deleted) {
    bool before = false;
    bool deletion = get(meta->find(deleted.hash)).has_value();
    bool carried = false;
    for (const auto& pod : pods) {
      carried = carried || holds(*pod, deleted.hash, deleted.generation);
      for (const RecordKey& key : pod->store.keys()) {
        before = before || (key.kind == RecordKind::manifest && key.hash() == deleted.hash &&
                            key.major < deleted.generation);
      }
    }
    return before && !(deletion && carried);
  }

  CallFaults faults;
  FailingMeta failing{*meta, faults};
  membership::ClusterView shared;
  std::vector<std::unique_ptr<Pod>> pods;
};

}  // namespace

TEST_CASE("a deleted file leaves nothing behind on any pod") {
  Pods rig(3);
  const meta::Object kept = rig.file();
  const meta::Object gone = rig.file();
  rig.remove(gone);
  rig.collect(5);
  CHECK_FALSE(rig.get(rig.meta->find(gone.hash)));
  CHECK(rig.get(rig.meta->freed(0, 10)).empty());
  for (const auto& pod : rig.pods) {
    CHECK(pod->store.keys().size() == 4 + 1);
    CHECK(Pods::holds(*pod, kept.hash, kept.generation));
  }
}

TEST_CASE("the record of a deleted file stays until a pod that was away has collected") {
  Pods rig(3);
  const meta::Object gone = rig.file();
  const meta::Object deleted = rig.remove(gone);
  rig.set_down(2, true);
  rig.collect(5);
  CHECK(rig.get(rig.meta->find(gone.hash)));
  for (std::size_t pod : {0U, 1U}) {
    CHECK(rig.pods[pod]->store.keys() ==
          std::vector<RecordKey>{RecordKey::manifest(gone.hash, deleted.generation, 0)});
  }
  CHECK(rig.pods[2]->store.keys().size() == 4 + 2);
  rig.set_down(2, false);
  rig.collect(4);
  CHECK_FALSE(rig.get(rig.meta->find(gone.hash)));
  for (const auto& pod : rig.pods) CHECK(pod->store.keys().empty());
  CHECK(rig.get(rig.meta->freed(0, 10)).empty());
}

TEST_CASE("a pod that has left is not waited for") {
  Pods rig(3);
  const meta::Object gone = rig.file();
  rig.remove(gone);
  rig.shared.layout.members[2].state = layout::MemberState::left;
  rig.set_down(2, true);
  rig.collect(4);
  CHECK_FALSE(rig.get(rig.meta->find(gone.hash)));
  for (std::size_t pod : {0U, 1U}) CHECK(rig.pods[pod]->store.keys().empty());
}

TEST_CASE("at no moment of a deletion's end could the file be taken for live") {
  for (const bool applied : {false, true}) {
    for (std::uint64_t nth = 0;; ++nth) {
      REQUIRE(nth < 400);
      Pods rig(2);
      const meta::Object gone = rig.file();
      const meta::Object deleted = rig.remove(gone);
      auto watch = [&] { REQUIRE_FALSE(rig.may_revive(deleted)); };
      rig.faults.fail_nth(nth, applied);
      // The second pod is away at first.
      rig.set_down(1, nth % 3 == 0);
      rig.collect(1, watch);
      if (nth % 2 == 0) rig.restart(0);
      rig.set_down(1, false);
      rig.collect(3, watch);
      const bool hit = rig.faults.hit();
      rig.faults.clear();
      rig.collect(3, watch);
      CHECK_FALSE(rig.get(rig.meta->find(gone.hash)));
      for (const auto& pod : rig.pods) CHECK(pod->store.keys().empty());
      if (!hit) break;
    }
  }
}

TEST_CASE("the manifest that a record goes by stays, whatever is listed") {
  Pods rig(1);
  const meta::Object kept = rig.file();
  // Listed before the record was there, as a rebuild may find it.
  const Hash hash = Hash{{7}};
  rig.get(rig.meta->free_manifests({{hash, 1, kept.generation + 9}}, rig.now()));
  const meta::Object restored = rig.file(hash);
  for (std::uint64_t generation : {restored.generation - 1, restored.generation + 1}) {
    Pods::put_on(*rig.pods[0], RecordKey::manifest(hash, generation, 0));
  }
  rig.collect(2);
  CHECK(Pods::holds(*rig.pods[0], hash, restored.generation));
  CHECK_FALSE(Pods::holds(*rig.pods[0], hash, restored.generation - 1));
  CHECK_FALSE(Pods::holds(*rig.pods[0], hash, restored.generation + 1));
  CHECK(Pods::holds(*rig.pods[0], kept.hash, kept.generation));
}

TEST_CASE("manifests of a file that was sent again go from every pod") {
  Pods rig(2);
  const meta::Object first = rig.file();
  const meta::Object deleted = rig.remove(first);
  const meta::Object again = rig.file(first.hash);
  rig.collect(2);
  for (const auto& pod : rig.pods) {
    CHECK_FALSE(Pods::holds(*pod, first.hash, first.generation));
    CHECK_FALSE(Pods::holds(*pod, first.hash, deleted.generation));
    CHECK(Pods::holds(*pod, first.hash, again.generation));
    CHECK(pod->store.keys().size() == 4 + 1);
  }
  CHECK(rig.get(rig.meta->find(first.hash)) == again);
  CHECK(rig.get(rig.meta->freed(0, 10)).empty());
}
