#include "fixture.h"

using namespace mas;
using namespace mas::test;

TEST_CASE("generations start above zero and grow, also in blocks") {
  MetaFixture f;
  std::uint64_t before = 0;
  for (std::uint32_t count : {1U, 1U, 10U, 1U, 5000U, 1U, 4096U, 4097U, 1U}) {
    std::uint64_t first = f.get(f.store().next_generation(count));
    CHECK(first > before);
    before = first + count - 1;
  }
  CHECK(code_of(f.run(f.store().next_generation(0))) == Code::invalid_argument);
}

TEST_CASE("the layout is changed only by who knows the current version") {
  MetaFixture f;
  CHECK_FALSE(f.get(f.store().current_layout()));
  layout::Member member{"mas-0", Id128{}, "", 1};
  layout::Layout first = layout::found(Id128{}, {member});
  first.version = 1;
  layout::Layout second = first;
  second.version = 2;
  CHECK(code_of(f.run(f.store().propose_layout(1, second))) == Code::conflict);
  must(f.run(f.store().propose_layout(0, first)));
  CHECK(code_of(f.run(f.store().propose_layout(0, first))) == Code::conflict);
  must(f.run(f.store().propose_layout(1, second)));
  auto current = f.get(f.store().current_layout());
  REQUIRE(current);
  CHECK(current->version == 2);
  CHECK(current->members == second.members);
  CHECK(current->rows == second.rows);
  CHECK(code_of(f.run(f.store().propose_layout(2, first))) == Code::invalid_argument);
  must(f.run(f.store().acknowledge_layout("mas-0", 2)));
}

TEST_CASE("a store answers pings until it is closed, then every call is refused") {
  MetaFixture f;
  must(f.run(f.store().ping()));
  meta::Object object = f.object();
  run_blocking(f.store().close_store());
  auto found = f.run(f.store().find(object.hash));
  CHECK(code_of(found) == Code::metadata_unavailable);
  auto committed = f.run(f.store().commit(object, 0, std::nullopt));
  REQUIRE(code_of(committed) == Code::metadata_unavailable);
  CHECK_FALSE(committed.error().maybe_happened());
}
