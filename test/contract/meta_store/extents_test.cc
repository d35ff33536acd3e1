#include "fixture.h"

using namespace mas;
using namespace mas::test;
using meta::Extent;

TEST_CASE("freed extents are listed in order with growing sequence numbers") {
  MetaFixture f;
  std::vector<Extent> extents{f.extent(), f.extent(), f.extent()};
  must(f.run(f.store().free({extents[0], extents[1]}, 11)));
  must(f.run(f.store().free({extents[2]}, 22)));
  auto all = f.get(f.store().freed(0, 10));
  REQUIRE(all.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(all[i].extent == extents[i]);
    CHECK(all[i].freed_at == (i < 2 ? 11 : 22));
    if (i > 0) CHECK(all[i].sequence > all[i - 1].sequence);
  }
  auto page = f.get(f.store().freed(all[0].sequence, 1));
  REQUIRE(page.size() == 1);
  CHECK(page[0] == all[1]);
  CHECK(f.get(f.store().freed(all[2].sequence, 10)).empty());
  CHECK(f.get(f.store().freed(0, 0)).empty());
  CHECK(f.get(f.store().freed(UINT64_MAX, 10)).empty());
}

TEST_CASE("an extent freed twice is listed once") {
  MetaFixture f;
  Extent extent = f.extent();
  must(f.run(f.store().free({extent, extent}, 1)));
  must(f.run(f.store().free({extent}, 2)));
  CHECK(f.freed() == std::vector<Id128>{extent.id});
}

TEST_CASE("an extent that something refers to is not freed") {
  MetaFixture f;
  meta::Object object = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  meta::Upload upload = f.get(f.store().open(f.upload()));
  meta::Part part = f.part(upload.id, 1, 100);
  f.put(upload.id, part);
  Extent registered = f.extent();
  must(f.run(f.store().register_extent(upload.id, registered)));

  std::vector<Extent> all{object.extents[0], part.extents[0], registered};
  must(f.run(f.store().free(all, 1)));
  CHECK(f.freed().empty());
  CHECK(f.get(f.store().referenced({all[0].id, all[1].id, all[2].id, f.extent().id})) ==
        std::vector<bool>{true, true, true, false});
}

TEST_CASE("a freed extent is not referred to") {
  MetaFixture f;
  Extent extent = f.extent();
  must(f.run(f.store().free({extent}, 1)));
  CHECK(f.get(f.store().referenced({extent.id})) == std::vector<bool>{false});
}

TEST_CASE("freed extents leave the list when every slot has collected past them") {
  MetaFixture f;
  std::vector<Extent> extents{f.extent(), f.extent(), f.extent()};
  must(f.run(f.store().free(extents, 1)));
  auto all = f.get(f.store().freed(0, 10));
  std::vector<std::string> slots{"mas-0", "mas-1"};
  must(f.run(f.store().collected("mas-0", all[1].sequence, slots)));
  CHECK(f.freed().size() == 3);
  must(f.run(f.store().collected("mas-1", all[0].sequence, slots)));
  CHECK(f.freed() == std::vector<Id128>{extents[1].id, extents[2].id});
  // A slot never goes back.
  must(f.run(f.store().collected("mas-0", 0, slots)));
  must(f.run(f.store().collected("mas-1", all[2].sequence, slots)));
  CHECK(f.freed() == std::vector<Id128>{extents[2].id});
  // A slot that was removed from the layout holds nothing back.
  must(f.run(f.store().collected("mas-1", all[2].sequence, {"mas-1"})));
  CHECK(f.freed().empty());
}

TEST_CASE("sequence numbers are not used again after collection") {
  MetaFixture f;
  must(f.run(f.store().free({f.extent()}, 1)));
  std::uint64_t first = f.get(f.store().freed(0, 10))[0].sequence;
  must(f.run(f.store().collected("mas-0", first, {"mas-0"})));
  must(f.run(f.store().free({f.extent()}, 1)));
  auto next = f.get(f.store().freed(first, 10));
  REQUIRE(next.size() == 1);
  CHECK(next[0].sequence > first);
}
