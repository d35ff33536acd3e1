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

TEST_CASE("a store that has not come to a generation gives none to who knows it") {
  MetaFixture f;
  const std::uint64_t first = f.get(f.store().next_generation(1));
  const std::uint64_t far = first + 1'000'000;
  for (int i = 0; i < 3; ++i) {
    CHECK(code_of(f.run(f.store().next_generation_after(far, 7))) == Code::refused);
  }
  // Not a number was given for that.
  CHECK(f.get(f.store().next_generation_after(first, 1)) == first + 1);
  CHECK(f.get(f.store().next_generation_after(0, 1)) == first + 2);
}

TEST_CASE("a store without a counter has given no generation") {
  MetaFixture f;
  CHECK(code_of(f.run(f.store().next_generation_after(1, 1))) == Code::refused);
  CHECK(f.get(f.store().next_generation(1)) == 1);
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

TEST_CASE("each slot's acknowledgement is its highest version") {
  MetaFixture f;
  using Acks = std::vector<meta::LayoutAck>;
  CHECK(f.get(f.store().layout_acknowledgements()).empty());
  must(f.run(f.store().acknowledge_layout("mas-1", 3)));
  must(f.run(f.store().acknowledge_layout("mas-0", 7)));
  must(f.run(f.store().acknowledge_layout("mas-10", 1)));
  CHECK(f.get(f.store().layout_acknowledgements()) ==
        Acks{{"mas-0", 7}, {"mas-1", 3}, {"mas-10", 1}});
  must(f.run(f.store().acknowledge_layout("mas-1", 2)));
  must(f.run(f.store().acknowledge_layout("mas-10", 9)));
  must(f.run(f.store().acknowledge_layout("mas-0", 7)));
  CHECK(f.get(f.store().layout_acknowledgements()) ==
        Acks{{"mas-0", 7}, {"mas-1", 3}, {"mas-10", 9}});
}

TEST_CASE("a layout whose rows change is kept whole") {
  MetaFixture f;
  std::vector<layout::Member> members;
  for (int i = 0; i < 3; ++i) {
    members.push_back({"mas-" + std::to_string(i), Id128{{static_cast<std::uint8_t>(i)}}, "", 1});
  }
  layout::Layout first = layout::found(Id128{{5}}, members);
  must(f.run(f.store().propose_layout(0, first)));
  members.erase(members.begin() + 1);
  layout::Layout second = layout::taken_over(layout::next(first, members), "mas-2", Id128{{9}});
  must(f.run(f.store().propose_layout(1, second)));
  CHECK(layout::serialise(*f.get(f.store().current_layout())) == layout::serialise(second));
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
