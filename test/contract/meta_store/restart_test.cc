#include "fixture.h"

using namespace mas;
using namespace mas::test;

// Trivially true of adapters that keep nothing.
TEST_CASE("everything is there after a restart") {
  MetaFixture f;
  if (!f.backend().persists()) return;
  meta::Object object = f.object(), gone = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  f.get(f.store().commit(gone, 0, std::nullopt));
  gone = f.get(f.store().condemn(gone.hash, gone.generation, f.generation(), 5));
  meta::Upload open = f.get(f.store().open(f.upload()));
  meta::Part part = f.part(open.id, 1, 10);
  f.put(open.id, part);
  open = *f.get(f.store().find_upload(open.id));
  meta::Upload sealed = f.get(f.store().open(f.upload()));
  sealed = f.get(f.store().seal(sealed.id, 0));
  must(f.run(f.store().free({f.extent(), f.extent()}, 3)));
  auto freed = f.get(f.store().freed(0, 10));
  layout::Layout layout = layout::found(Id128{}, {layout::Member{"mas-0", Id128{}, "", 1}});
  layout.version = 1;
  must(f.run(f.store().propose_layout(0, layout)));
  must(f.run(f.store().acknowledge_layout("mas-0", 1)));

  for (int round = 0; round < 2; ++round) {
    f.backend().restart();
    must(f.run(f.store().ping()));
    CHECK(f.get(f.store().find(object.hash)) == object);
    CHECK(f.get(f.store().condemned(10, 10)) == std::vector<meta::Object>{gone});
    CHECK(f.get(f.store().find_session(open.hash, "")) == open);
    CHECK(f.get(f.store().parts(open.id, 0, 10)) == std::vector<meta::Part>{part});
    CHECK(f.get(f.store().uploads(std::nullopt, 10)).size() == 2);
    CHECK(f.get(f.store().sealed(10)) == std::vector<meta::Upload>{sealed});
    CHECK(f.get(f.store().freed(0, 10)) == freed);
    CHECK(f.get(f.store().current_layout())->version == 1);
    CHECK(f.get(f.store().layout_acknowledgements()) == std::vector<meta::LayoutAck>{{"mas-0", 1}});
    CHECK(f.get(f.store().referenced({object.extents[0].id}))[0]);
  }
}

TEST_CASE("generations and sequence numbers go on growing after a restart") {
  MetaFixture f;
  if (!f.backend().persists()) return;
  std::uint64_t generation = 0, sequence = 0;
  for (std::uint32_t round = 0; round < 4; ++round) {
    std::uint64_t first = f.get(f.store().next_generation(1 + round * 3000));
    CHECK(first > generation);
    generation = first + round * 3000;
    must(f.run(f.store().free({f.extent()}, 3)));
    auto freed = f.get(f.store().freed(sequence, 10));
    REQUIRE(freed.size() == 1);
    sequence = freed[0].sequence;
    if (round % 2 == 1) must(f.run(f.store().collected("mas-0", sequence, {"mas-0"})));
    f.backend().restart();
  }
}
