#include <algorithm>

#include "fixture.h"

using namespace mas;
using namespace mas::test;
using meta::Object;
using meta::ObjectState;

TEST_CASE("an object that was committed is found") {
  MetaFixture f;
  Object object = f.object();
  CHECK_FALSE(f.get(f.store().find(object.hash)));
  auto result = f.get(f.store().commit(object, 0, std::nullopt));
  CHECK(result.committed);
  CHECK(result.current == object);
  CHECK(f.get(f.store().find(object.hash)) == object);
}

TEST_CASE("an object without content has no extents") {
  MetaFixture f;
  Object object = f.object();
  object.size = 0;
  object.extents.clear();
  CHECK(f.get(f.store().commit(object, 0, std::nullopt)).committed);
  CHECK(f.get(f.store().find(object.hash)) == object);
}

TEST_CASE("a live object wins over a later commit of the same content") {
  MetaFixture f;
  Object first = f.object();
  Object second = f.object(first.hash);
  f.get(f.store().commit(first, 0, std::nullopt));
  auto result = f.get(f.store().commit(second, 0, std::nullopt));
  CHECK_FALSE(result.committed);
  CHECK(result.current == first);
  CHECK(f.get(f.store().find(first.hash)) == first);
  CHECK(f.freed().empty());
  CHECK_FALSE(f.get(f.store().referenced({second.extents[0].id}))[0]);
}

TEST_CASE("a commit that is repeated counts as committed and changes nothing") {
  MetaFixture f;
  Object object = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  Object again = object;
  again.generation = f.generation();
  auto result = f.get(f.store().commit(again, 0, std::nullopt));
  CHECK(result.committed);
  CHECK(result.current == object);
  CHECK(f.freed().empty());
}

TEST_CASE("a commit that names the generation it replaces takes its place and frees it") {
  MetaFixture f;
  Object first = f.object();
  Object second = f.object(first.hash);
  second.replaces = first.generation;
  second.created = 99;
  f.get(f.store().commit(first, 0, std::nullopt));
  auto result = f.get(f.store().commit(second, first.generation, std::nullopt));
  CHECK(result.committed);
  CHECK(result.current == second);
  auto freed = f.get(f.store().freed(0, 10));
  REQUIRE(freed.size() == 2);
  CHECK(freed[0].extent == first.extents[0]);
  CHECK(freed[0].freed_at == 99);
  CHECK(freed[1].manifests == meta::ManifestRange{first.hash, 0, second.generation - 1});
  CHECK(freed[1].freed_at == 99);
}

TEST_CASE("a replacement keeps the extents it shares with the record before it") {
  MetaFixture f;
  Object first = f.object();
  first.extents.push_back(f.extent());
  f.get(f.store().commit(first, 0, std::nullopt));
  Object second = f.object(first.hash);
  second.extents = {first.extents[0], f.extent()};
  CHECK(f.get(f.store().commit(second, first.generation, std::nullopt)).committed);
  CHECK(f.freed() == std::vector<Id128>{first.extents[1].id});
  CHECK(f.get(f.store().referenced({second.extents[0].id, second.extents[1].id})) ==
        std::vector<bool>{true, true});
}

TEST_CASE("a commit that names another generation than the stored one loses") {
  MetaFixture f;
  Object first = f.object();
  f.get(f.store().commit(first, 0, std::nullopt));
  Object second = f.object(first.hash);
  auto result = f.get(f.store().commit(second, first.generation + 1000, std::nullopt));
  CHECK_FALSE(result.committed);
  CHECK(result.current == first);
  Object nothing = f.object();
  auto gone = f.get(f.store().commit(nothing, 5, std::nullopt));
  CHECK_FALSE(gone.committed);
  CHECK_FALSE(gone.current);
}

TEST_CASE("a replacement needs a later generation") {
  MetaFixture f;
  Object late = f.object();
  Object early = f.object(late.hash);
  std::swap(late.generation, early.generation);
  f.get(f.store().commit(late, 0, std::nullopt));
  CHECK_FALSE(f.get(f.store().commit(early, late.generation, std::nullopt)).committed);

  std::uint64_t deletion = f.generation();
  f.get(f.store().condemn(late.hash, late.generation, deletion, 5));
  auto result = f.get(f.store().commit(early, 0, std::nullopt));
  CHECK_FALSE(result.committed);
  REQUIRE(result.current);
  CHECK(result.current->state == ObjectState::condemned);
  early.generation = f.generation();
  CHECK(f.get(f.store().commit(early, 0, std::nullopt)).committed);
}

TEST_CASE("an extent that was given up or belongs to another object is never published") {
  MetaFixture f;
  Object object = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  Object thief = f.object();
  thief.extents = object.extents;
  CHECK(code_of(f.run(f.store().commit(thief, 0, std::nullopt))) == Code::conflict);

  Object late = f.object();
  must(f.run(f.store().free(late.extents, 3)));
  CHECK(code_of(f.run(f.store().commit(late, 0, std::nullopt))) == Code::conflict);
  CHECK_FALSE(f.get(f.store().find(late.hash)));
}

TEST_CASE("a deleted object is condemned with the deletion's generation") {
  MetaFixture f;
  Object object = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  std::uint64_t deletion = f.generation();
  Object condemned = f.get(f.store().condemn(object.hash, object.generation, deletion, 123));
  CHECK(condemned.state == ObjectState::condemned);
  CHECK(condemned.generation == deletion);
  CHECK(condemned.replaces == object.generation);
  CHECK(condemned.condemned_at == 123);
  CHECK(f.get(f.store().find(object.hash)) == condemned);
  // The same call again, after an answer that was lost, says the same.
  CHECK(f.get(f.store().condemn(object.hash, object.generation, deletion, 200)) == condemned);
  CHECK(f.freed().empty());
  CHECK(f.get(f.store().referenced({object.extents[0].id}))[0]);
}

TEST_CASE("only the named generation of an existing object is condemned") {
  MetaFixture f;
  Object object = f.object();
  CHECK(code_of(f.run(f.store().condemn(object.hash, 1, 2, 0))) == Code::no_such_file);
  f.get(f.store().commit(object, 0, std::nullopt));
  std::uint64_t deletion = f.generation();
  CHECK(code_of(f.run(f.store().condemn(object.hash, object.generation + 1, deletion + 5, 0))) ==
        Code::conflict);
  f.get(f.store().condemn(object.hash, object.generation, deletion, 0));
  CHECK(code_of(f.run(f.store().condemn(object.hash, deletion, deletion + 1, 0))) ==
        Code::no_such_file);
}

TEST_CASE("an upload of the same content takes the place of a condemned record") {
  MetaFixture f;
  Object object = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  f.get(f.store().condemn(object.hash, object.generation, f.generation(), 5));
  Object again = f.object(object.hash);
  CHECK(f.get(f.store().commit(again, 0, std::nullopt)).committed);
  CHECK(f.get(f.store().find(object.hash))->state == ObjectState::live);
  CHECK(f.freed() == std::vector<Id128>{object.extents[0].id});
  CHECK(f.get(f.store().condemned(INT64_MAX, 10)).empty());
}

TEST_CASE("condemned records are listed by age and leave when released") {
  MetaFixture f;
  std::vector<Object> condemned;
  for (std::int64_t at : {30, 10, 20}) {
    Object object = f.object();
    f.get(f.store().commit(object, 0, std::nullopt));
    condemned.push_back(
        f.get(f.store().condemn(object.hash, object.generation, f.generation(), at)));
  }
  CHECK(f.get(f.store().condemned(10, 10)).empty());
  CHECK(f.get(f.store().condemned(30, 10)) == std::vector<Object>{condemned[1], condemned[2]});
  CHECK(f.get(f.store().condemned(31, 1)) == std::vector<Object>{condemned[1]});

  const Object& oldest = condemned[1];
  CHECK(code_of(f.run(f.store().release(oldest.hash, oldest.generation - 1, 40))) ==
        Code::conflict);
  must(f.run(f.store().release(oldest.hash, oldest.generation, 40)));
  must(f.run(f.store().release(oldest.hash, oldest.generation, 50)));
  CHECK(f.get(f.store().condemned(31, 10)) == std::vector<Object>{condemned[2], condemned[0]});
  auto freed = f.get(f.store().freed(0, 10));
  REQUIRE(freed.size() == 2);
  CHECK(freed[0].extent == oldest.extents[0]);
  CHECK(freed[0].freed_at == 40);
  CHECK(freed[1].manifests == meta::ManifestRange{oldest.hash, 0, oldest.generation - 1});
}

TEST_CASE("a live object cannot be released or erased") {
  MetaFixture f;
  Object object = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  CHECK(code_of(f.run(f.store().release(object.hash, object.generation, 1))) == Code::conflict);
  CHECK(code_of(f.run(f.store().erase(object.hash, object.generation, 1))) == Code::conflict);
  CHECK(f.get(f.store().find(object.hash)) == object);
}

TEST_CASE("the mark of damage belongs to one generation") {
  MetaFixture f;
  Object object = f.object();
  CHECK(code_of(f.run(f.store().set_damaged(object.hash, 1, true))) == Code::no_such_file);
  f.get(f.store().commit(object, 0, std::nullopt));
  CHECK(code_of(f.run(f.store().set_damaged(object.hash, object.generation + 1, true))) ==
        Code::conflict);
  must(f.run(f.store().set_damaged(object.hash, object.generation, true)));
  CHECK(f.get(f.store().find(object.hash))->damaged);
  // A damaged record gives way to who names it, and to nobody else.
  Object whole = f.object(object.hash);
  CHECK_FALSE(f.get(f.store().commit(whole, 0, std::nullopt)).committed);
  must(f.run(f.store().set_damaged(object.hash, object.generation, false)));
  CHECK_FALSE(f.get(f.store().find(object.hash))->damaged);
  must(f.run(f.store().set_damaged(object.hash, object.generation, true)));
  CHECK(f.get(f.store().commit(whole, object.generation, std::nullopt)).committed);
  CHECK_FALSE(f.get(f.store().find(object.hash))->damaged);
}

namespace {

std::vector<Hash> commit_many(MetaFixture& f, std::size_t count) {
  std::vector<Hash> hashes;
  for (std::size_t i = 0; i < count; ++i) {
    Object object = f.object();
    object.name = i % 5 == 0 ? "holiday-" + std::to_string(i) : "work-" + std::to_string(i);
    f.get(f.store().commit(object, 0, std::nullopt));
    hashes.push_back(object.hash);
  }
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

std::vector<Hash> list_all(MetaFixture& f, meta::ListQuery query) {
  std::vector<Hash> hashes;
  while (true) {
    meta::ObjectPage page = f.get(f.store().list(query));
    CHECK(page.objects.size() <= query.limit);
    for (const Object& object : page.objects) hashes.push_back(object.hash);
    if (!page.next) return hashes;
    query.after = page.next;
  }
}

}  // namespace

TEST_CASE("objects are listed in pages, in order of hash, each once") {
  MetaFixture f;
  std::vector<Hash> hashes = commit_many(f, 50);
  for (std::uint32_t limit : {1U, 7U, 50U, 51U, 1000U}) {
    meta::ListQuery query;
    query.limit = limit;
    CHECK(list_all(f, query) == hashes);
  }
  meta::ListQuery from_the_end;
  from_the_end.after = hashes.back();
  CHECK(f.get(f.store().list(from_the_end)).objects.empty());
}

TEST_CASE("a list is narrowed by prefix of the hash and by name") {
  MetaFixture f;
  std::vector<Hash> hashes = commit_many(f, 60);
  for (std::size_t digits : {1UL, 2UL, 3UL, 64UL}) {
    meta::ListQuery query;
    query.limit = 3;
    query.hex_prefix = hashes[30].hex().substr(0, digits);
    std::vector<Hash> expected;
    std::copy_if(hashes.begin(), hashes.end(), std::back_inserter(expected),
                 [&](const Hash& h) { return h.hex().substr(0, digits) == query.hex_prefix; });
    CHECK(list_all(f, query) == expected);
  }
  meta::ListQuery by_name;
  by_name.name_contains = "liday-";
  by_name.limit = 5;
  CHECK(list_all(f, by_name).size() == 12);
  meta::ListQuery malformed;
  malformed.hex_prefix = "xyz";
  CHECK(list_all(f, malformed).empty());
  malformed.hex_prefix = std::string(65, '0');
  CHECK(list_all(f, malformed).empty());
}

TEST_CASE("condemned objects are listed only when asked for") {
  MetaFixture f;
  std::vector<Hash> hashes = commit_many(f, 10);
  Object gone = *f.get(f.store().find(hashes[4]));
  f.get(f.store().condemn(gone.hash, gone.generation, f.generation(), 5));
  meta::ListQuery query;
  CHECK(list_all(f, query).size() == 9);
  query.include_condemned = true;
  CHECK(list_all(f, query) == hashes);
}

// ---- Restoring what a rebuild found ----

TEST_CASE("a restored object is there as it was, and owns its extents") {
  MetaFixture f;
  Object object = f.object();
  object.replaces = 3;
  object.damaged = true;
  CHECK(f.get(f.store().restore(object, 50)) == object);
  CHECK(f.get(f.store().find(object.hash)) == object);
  CHECK(f.get(f.store().referenced({object.extents[0].id}))[0]);
  // Again, and an older one: what stands stays.
  CHECK(f.get(f.store().restore(object, 51)) == object);
  Object older = f.object(object.hash);
  older.generation = object.generation - 1;
  CHECK(f.get(f.store().restore(older, 52)) == object);
  CHECK_FALSE(f.get(f.store().referenced({older.extents[0].id}))[0]);
  CHECK(f.freed().empty());
}

TEST_CASE("a restored deletion is a deleted object from its first moment") {
  MetaFixture f;
  Object object = f.object();
  object.state = ObjectState::condemned;
  object.condemned_at = 40;
  CHECK(f.get(f.store().restore(object, 50)) == object);
  CHECK(f.get(f.store().find(object.hash)) == object);
  CHECK(f.get(f.store().condemned(41, 10)) == std::vector<Object>{object});
  CHECK(f.get(f.store().list({})).objects.empty());
  f.get(f.store().release(object.hash, object.generation, 60));
  CHECK(f.freed() == std::vector<Id128>{object.extents[0].id});
}

TEST_CASE("a restored object takes the place of an older record and frees what that leaves") {
  MetaFixture f;
  Object first = f.object();
  f.get(f.store().commit(first, 0, std::nullopt));
  Object deletion = first;
  deletion.state = ObjectState::condemned;
  deletion.replaces = first.generation;
  deletion.generation = f.generation();
  deletion.condemned_at = 40;
  CHECK(f.get(f.store().restore(deletion, 50)) == deletion);
  CHECK(f.get(f.store().freed(0, 10)).empty());
  Object second = f.object(first.hash);
  second.replaces = deletion.generation;
  CHECK(f.get(f.store().restore(second, 51)) == second);
  CHECK(f.freed_manifests() ==
        std::vector<meta::ManifestRange>{{first.hash, 0, second.generation - 1}});
  CHECK(f.freed() == std::vector<Id128>{first.extents[0].id});
  CHECK(f.get(f.store().condemned(INT64_MAX, 10)).empty());
}

TEST_CASE("restoring takes extents from the upload that was on its way to be this object") {
  MetaFixture f;
  auto upload = f.get(f.store().open(f.upload()));
  auto one = f.part(upload.id, 1, 1000);
  auto two = f.part(upload.id, 2, 1000, 2);
  f.put(upload.id, one);
  f.put(upload.id, two);
  meta::Extent extra = f.extent();
  f.get(f.store().register_extent(upload.id, extra));
  Object object = f.object(upload.hash);
  object.extents = {one.extents[0], two.extents[0]};
  CHECK(f.get(f.store().restore(object, 50)) == object);
  CHECK_FALSE(f.get(f.store().find_upload(upload.id)));
  CHECK_FALSE(f.get(f.store().find_session(upload.hash, upload.session)));
  CHECK(f.freed() == std::vector<Id128>{extra.id});
  check_places(f, {one.extents[0].id, two.extents[0].id, extra.id});
}

TEST_CASE("what was given up is not restored, and a deletion comes back without it") {
  MetaFixture f;
  Object object = f.object();
  meta::Extent kept = f.extent();
  object.extents.push_back(kept);
  f.get(f.store().free({object.extents[0]}, 10));
  auto refused = f.run(f.store().restore(object, 50));
  REQUIRE(refused.has_error());
  CHECK(refused.error().code() == Code::conflict);
  CHECK_FALSE(f.get(f.store().find(object.hash)));
  CHECK_FALSE(f.get(f.store().referenced({kept.id}))[0]);
  Object deletion = object;
  deletion.state = ObjectState::condemned;
  deletion.condemned_at = 40;
  CHECK(f.get(f.store().restore(deletion, 51)).extents == std::vector<meta::Extent>{kept});
  Object other = f.object();
  other.extents = {kept};
  CHECK(f.run(f.store().restore(other, 52)).has_error());
}
