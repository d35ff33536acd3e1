// Carrying the records of one store into another: every adapter as the one that takes over.
#include "mas/meta/hand_over.h"

#include <catch2/catch.hpp>
#include <map>

#include "fixture.h"
#include "mas/meta/memory.h"
#include "support/failing_seams.h"

using namespace mas;
using namespace mas::meta;
using namespace mas::test;

namespace {

// A store as a pod that was alone leaves it.
struct Alone {
  std::unique_ptr<MetaStore> store = make_memory_meta();
  std::unique_ptr<Rng> rng = make_seeded_rng(9);
  std::vector<Object> objects;
  Object deleted;
  Object released;
  Object damaged;
  Upload open;
  Upload sealed;
  Extent given_up;
  Hash given_up_manifest = Hash{{0x77}};
  layout::Layout layout;

  template <class T>
  T get(Task<Result<T>> task) {
    return must(run_blocking_for(std::move(task)));
  }
  void done(Task<Result<void>> task) { must(run_blocking_for(std::move(task))); }

  Extent extent() { return {rng->id(), 1000, 4 << 20, Profile{1, 0}}; }
  Object make() {
    Object object;
    rng->fill(object.hash.bytes);
    object.size = 1000;
    object.name = "name";
    object.created = 77;
    object.generation = get(store->next_generation(1));
    object.extents = {extent()};
    return *get(store->commit(object, 0, std::nullopt)).current;
  }
  Upload start(const std::string& session) {
    Upload upload;
    upload.id = rng->id();
    rng->fill(upload.hash.bytes);
    upload.session = session;
    upload.name = "half";
    upload.created = 10;
    upload.expires = 5000;
    upload = get(store->open(upload));
    for (std::uint32_t number : {1u, 2u}) {
      Part part{number, 1000, {}, {extent()}, Id128{{7}}};
      part.sum.bytes.fill(static_cast<std::uint8_t>(number));
      done(store->register_extent(upload.id, part.extents[0]));
      get(store->put_part(upload.id, part, 6000, UINT64_MAX, 20));
    }
    return upload;
  }

  Alone() {
    for (int i = 0; i < 5; ++i) objects.push_back(make());
    deleted = make();
    std::uint64_t deletion = get(store->next_generation(1));
    deleted = get(store->condemn(deleted.hash, deleted.generation, deletion, 99));
    released = make();
    deletion = get(store->next_generation(1));
    get(store->condemn(released.hash, released.generation, deletion, 98));
    done(store->release(released.hash, deletion, 98));
    released = *get(store->find(released.hash));
    damaged = make();
    done(store->set_damaged(damaged.hash, damaged.generation, true));
    open = start("open");
    const Extent written = extent();
    done(store->register_extent(open.id, written));
    done(store->progress(open.id, written.id, 44));
    open = *get(store->find_upload(open.id));
    sealed = start("sealed");
    sealed = get(store->seal(sealed.id, 2));
    given_up = extent();
    done(store->free({given_up}, 55));
    done(store->free_manifests({{given_up_manifest, 7, 8}}, 56));
    layout::Member member{"mas-0", rng->id(), "", 1};
    layout = layout::found(rng->id(), {member});
    done(store->propose_layout(0, layout));
  }
};

// What was freed is listed, and a released record waits for what it gave up.
void check_freed(Alone& from, MetaStore& to) {
  const Object released = *from.get(to.find(from.released.hash));
  CHECK(released.generation == from.released.generation);
  CHECK(released.extents.empty());
  CHECK(from.get(to.released(UINT64_MAX, 10)) == std::vector<Object>{released});
  const ManifestRange before{released.hash, 0, released.generation - 1};
  std::map<Id128, std::int64_t> extents;
  bool waits = false;
  bool manifest = false;
  for (const FreedEntry& entry : from.get(to.freed(0, 100))) {
    if (!entry.manifests) {
      extents[entry.extent.id] = entry.freed_at;
      continue;
    }
    waits = waits || (entry.sequence == released.released && entry.manifests == before);
    manifest = manifest || (entry.manifests == ManifestRange{from.given_up_manifest, 7, 8} &&
                            entry.freed_at == 56);
  }
  CHECK(waits);
  CHECK(manifest);
  CHECK(extents.size() == 2);
  CHECK(extents.at(from.given_up.id) == 55);
}

void check_carried(Alone& from, MetaStore& to) {
  auto find = [&](const Hash& hash) { return *from.get(to.find(hash)); };
  for (const Object& object : from.objects) {
    CHECK(find(object.hash).extents == object.extents);
    CHECK(find(object.hash).generation == object.generation);
    CHECK(find(object.hash).name == object.name);
  }
  CHECK(find(from.damaged.hash).damaged);
  CHECK(find(from.deleted.hash).state == ObjectState::condemned);
  CHECK(find(from.deleted.hash).condemned_at == 99);
  CHECK(find(from.deleted.hash).generation == from.deleted.generation);
  auto open = *from.get(to.find_session(from.open.hash, "open"));
  CHECK(open.id == from.open.id);
  CHECK(open.part_count == 2);
  CHECK(open.registered == from.open.registered);
  CHECK(open.touches >= from.open.touches);  // what was seen of it there is not seen here
  CHECK(from.get(to.parts(open.id, 0, 10)) == from.get(from.store->parts(open.id, 0, 10)));
  CHECK(from.get(to.find_upload(from.sealed.id))->state == UploadState::sealed);
  check_freed(from, to);
  CHECK(from.get(to.next_generation(1)) > from.deleted.generation);
  CHECK(from.get(to.current_layout())->cluster == from.layout.cluster);
}

}  // namespace

TEST_CASE("hand-over carries everything, and does nothing the second time") {
  Alone from;
  MetaFixture to;
  HandedOver first = to.get(hand_over(*from.store, to.store()));
  CHECK_FALSE(first.already);
  CHECK(first.objects == 8);
  CHECK(first.uploads == 2);
  CHECK(first.parts == 4);
  check_carried(from, to.store());
  CHECK(to.get(hand_over(*from.store, to.store())).already);
  check_carried(from, to.store());
}

TEST_CASE("hand-over that is stopped at any call is finished by the next one") {
  Alone from;
  for (const bool applied : {false, true}) {
    for (std::uint64_t nth = 0;; nth += 3) {
      CAPTURE(applied, nth);
      MetaFixture to;
      CallFaults faults;
      FailingMeta failing(to.store(), faults);
      faults.fail_nth(nth, applied);
      auto stopped = to.run(hand_over(*from.store, failing));
      const bool hit = faults.hit();
      faults.clear();
      if (!hit) break;
      // Without its answer a layout that was written is found, and all is done.
      if (stopped.has_error()) {
        CHECK(to.get(to.store().current_layout()).has_value() == false);
        CHECK_FALSE(to.get(hand_over(*from.store, to.store())).already);
      }
      check_carried(from, to.store());
    }
  }
}

TEST_CASE("hand-over into a store with something else in it is refused") {
  Alone from;
  MetaFixture another;
  layout::Layout foreign = layout::found(from.rng->id(), {{"mas-0", from.rng->id(), "", 1}});
  must(another.run(another.store().propose_layout(0, foreign)));
  CHECK(code_of(another.run(hand_over(*from.store, another.store()))) == Code::refused);

  MetaFixture used;
  Object stranger = used.object();
  must(used.run(used.store().commit(stranger, 0, std::nullopt)));
  CHECK(code_of(used.run(hand_over(*from.store, used.store()))) == Code::conflict);
  CHECK_FALSE(used.get(used.store().current_layout()));

  auto empty = make_memory_meta();
  MetaFixture to;
  CHECK(code_of(to.run(hand_over(*empty, to.store()))) == Code::refused);
}
