// The end of deleted objects in two steps, and manifests on the freed list.
#include "fixture.h"

using namespace mas;
using namespace mas::test;
using meta::ManifestRange;
using meta::Object;
using meta::ObjectState;

namespace {

// A deleted object that is released.
Object release_one(MetaFixture& f) {
  Object object = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  std::uint64_t deletion = f.generation();
  f.get(f.store().condemn(object.hash, object.generation, deletion, 5));
  must(f.run(f.store().release(object.hash, deletion, 40)));
  return *f.get(f.store().find(object.hash));
}

}  // namespace

TEST_CASE("a released record refers to nothing and is still a deleted one") {
  MetaFixture f;
  Object object = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  Object deleted = f.get(f.store().condemn(object.hash, object.generation, f.generation(), 5));
  must(f.run(f.store().release(object.hash, deleted.generation, 40)));
  Object released = *f.get(f.store().find(object.hash));
  CHECK(released.released > 0);
  deleted.extents.clear();
  deleted.released = released.released;
  CHECK(released == deleted);
  CHECK_FALSE(f.get(f.store().referenced({object.extents[0].id}))[0]);
  CHECK(f.get(f.store().condemned(INT64_MAX, 10)).empty());
  CHECK(f.get(f.store().released(UINT64_MAX, 10)) == std::vector<Object>{released});
  // The call that deleted it may be repeated.
  CHECK(f.get(f.store().condemn(object.hash, object.generation, deleted.generation, 6)) ==
        released);
  CHECK(f.get(f.store().condemned(INT64_MAX, 10)).empty());
  must(f.run(f.store().release(f.hash(), 7, 40)));
}

TEST_CASE("a record is erased only after every slot has collected what it released") {
  MetaFixture f;
  Object object = release_one(f);
  auto erase = [&] { return code_of(f.run(f.store().erase(object.hash, object.generation, 60))); };
  const std::vector<std::string> slots{"mas-0", "mas-1"};
  CHECK(erase() == Code::conflict);
  must(f.run(f.store().collected("mas-0", object.released, slots)));
  CHECK(erase() == Code::conflict);
  must(f.run(f.store().collected("mas-1", object.released - 1, slots)));
  CHECK(erase() == Code::conflict);
  CHECK(f.get(f.store().find(object.hash)) == object);
  must(f.run(f.store().collected("mas-1", object.released, slots)));
  CHECK(f.get(f.store().freed(0, 10)).empty());
  CHECK(code_of(f.run(f.store().erase(object.hash, object.generation - 1, 60))) == Code::conflict);
  CHECK(erase() == Code::ok);
  CHECK_FALSE(f.get(f.store().find(object.hash)));
  CHECK(f.get(f.store().released(UINT64_MAX, 10)).empty());
  auto freed = f.get(f.store().freed(0, 10));
  REQUIRE(freed.size() == 1);
  CHECK(freed[0].manifests == ManifestRange{object.hash, object.generation, object.generation});
  CHECK(freed[0].freed_at == 60);
  CHECK(erase() == Code::ok);
  CHECK(f.get(f.store().freed(0, 10)).size() == 1);
}

TEST_CASE("a deleted record that is not released is not erased") {
  MetaFixture f;
  Object object = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  Object deleted = f.get(f.store().condemn(object.hash, object.generation, f.generation(), 5));
  CHECK(code_of(f.run(f.store().erase(object.hash, deleted.generation, 6))) == Code::conflict);
  CHECK(f.get(f.store().find(object.hash)) == deleted);
}

TEST_CASE("released records are listed by where they stand on the freed list") {
  MetaFixture f;
  Object first = release_one(f);
  Object second = release_one(f);
  REQUIRE(first.released < second.released);
  CHECK(f.get(f.store().released(first.released, 10)).empty());
  CHECK(f.get(f.store().released(second.released, 10)) == std::vector<Object>{first});
  CHECK(f.get(f.store().released(UINT64_MAX, 10)) == std::vector<Object>{first, second});
  CHECK(f.get(f.store().released(UINT64_MAX, 1)) == std::vector<Object>{first});
  CHECK(f.get(f.store().released(UINT64_MAX, 0)).empty());
}

TEST_CASE("an upload of the same content takes the place of a released record") {
  MetaFixture f;
  Object deleted = release_one(f);
  f.collect_all();
  Object again = f.object(deleted.hash);
  CHECK(f.get(f.store().commit(again, 0, std::nullopt)).committed);
  CHECK(f.get(f.store().find(deleted.hash)) == again);
  CHECK(f.get(f.store().released(UINT64_MAX, 10)).empty());
  CHECK(f.freed_manifests() == std::vector<ManifestRange>{{deleted.hash, 0, again.generation - 1}});
  CHECK(code_of(f.run(f.store().erase(deleted.hash, deleted.generation, 9))) == Code::conflict);
}

TEST_CASE("a deletion that is restored over a released record can be released again") {
  MetaFixture f;
  Object deleted = release_one(f);
  Object later = deleted;
  later.generation = f.generation();
  later.extents = {f.extent()};
  Object stands = f.get(f.store().restore(later, 70));
  CHECK(stands.released == 0);
  CHECK(f.get(f.store().released(UINT64_MAX, 10)).empty());
  CHECK(f.get(f.store().condemned(INT64_MAX, 10)) == std::vector<Object>{stands});
  must(f.run(f.store().release(later.hash, later.generation, 80)));
  CHECK(f.get(f.store().released(UINT64_MAX, 10)).size() == 1);
}

TEST_CASE("freed manifests are listed among the extents, and leave with them") {
  MetaFixture f;
  const ManifestRange one{f.hash(), 3, 9};
  const ManifestRange other{f.hash(), 1, 1};
  const meta::Extent extent = f.extent();
  must(f.run(f.store().free_manifests({one}, 11)));
  must(f.run(f.store().free({extent}, 12)));
  must(f.run(f.store().free_manifests({other}, 13)));
  must(f.run(f.store().free_manifests({}, 14)));
  auto all = f.get(f.store().freed(0, 10));
  REQUIRE(all.size() == 3);
  CHECK(all[0].manifests == one);
  CHECK(all[1].extent == extent);
  CHECK_FALSE(all[1].manifests);
  CHECK(all[2].manifests == other);
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(all[i].freed_at == 11 + static_cast<std::int64_t>(i));
  }
  CHECK(all[1].sequence > all[0].sequence);
  CHECK(all[2].sequence > all[1].sequence);
  must(f.run(f.store().collected("mas-0", all[1].sequence, {"mas-0"})));
  CHECK(f.get(f.store().freed(0, 10)) == std::vector<meta::FreedEntry>{all[2]});
  // Its owner went with the extent: it may be freed again.
  must(f.run(f.store().free({extent}, 15)));
  CHECK(f.freed() == std::vector<Id128>{extent.id});
}

TEST_CASE("the manifest that a record goes by is not freed") {
  MetaFixture f;
  Object object = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  const std::uint64_t own = object.generation;
  must(f.run(f.store().free_manifests(
      {{object.hash, own, own}, {object.hash, 0, own}, {object.hash, own + 1, own + 4}}, 1)));
  CHECK(f.freed_manifests() == std::vector<ManifestRange>{{object.hash, own + 1, own + 4}});
}

TEST_CASE("the versions of many records are told at once, in order") {
  MetaFixture f;
  Object live = f.object();
  f.get(f.store().commit(live, 0, std::nullopt));
  Object deleted = f.object();
  f.get(f.store().commit(deleted, 0, std::nullopt));
  deleted = f.get(f.store().condemn(deleted.hash, deleted.generation, f.generation(), 5));
  Object released = release_one(f);
  auto versions =
      f.get(f.store().versions({released.hash, f.hash(), live.hash, deleted.hash, live.hash}));
  CHECK(versions ==
        std::vector<meta::RecordVersion>{{released.generation, ObjectState::condemned, true},
                                         {},
                                         {live.generation, ObjectState::live, false},
                                         {deleted.generation, ObjectState::condemned, false},
                                         {live.generation, ObjectState::live, false}});
  CHECK(f.get(f.store().versions({})).empty());
  CHECK(code_of(f.run(f.store().versions(std::vector<Hash>(1001)))) == Code::invalid_argument);
}
