#include "membership/kept.h"

#include <catch2/catch.hpp>

#include "beats.h"
#include "mas/fs/fault_fs.h"
#include "mas/runtime/rng.h"
#include "support/must.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;
using Catch::Matchers::Contains;

namespace {

Kept some_kept() {
  Kept kept;
  kept.was_member = true;
  kept.adopt(founded(2));
  kept.adopt(layout::next(kept.layouts.front(), members(3)));
  kept.generation = 77;
  return kept;
}

}  // namespace

TEST_CASE("the last two layouts are kept, newest first") {
  Kept kept = some_kept();
  CHECK(kept.version() == 2);
  kept.adopt(layout::settled(kept.layouts.front()));
  REQUIRE(kept.layouts.size() == 2);
  CHECK(kept.layouts[0].version == 3);
  CHECK(kept.layouts[1].version == 2);
  Kept again = must(decode_layouts(encode_layouts(kept)));
  CHECK(again.was_member);
  REQUIRE(again.layouts.size() == 2);
  for (int i = 0; i < 2; ++i) {
    CHECK(layout::serialise(again.layouts[i]) == layout::serialise(kept.layouts[i]));
  }
  CHECK_FALSE(must(decode_layouts(encode_layouts(Kept{}))).knows_cluster());
}

TEST_CASE("damaged files are refused") {
  for (const std::string& good : {encode_layouts(some_kept()), encode_generation(9)}) {
    auto code = [&](const std::string& bytes) {
      return good.size() > 100 ? code_of(decode_layouts(bytes)) : code_of(decode_generation(bytes));
    };
    CHECK(code(good) == Code::ok);
    for (std::size_t cut = 0; cut < good.size(); cut += cut < 60 ? 1 : 997) {
      REQUIRE(code(good.substr(0, cut)) == Code::corrupt);
      std::string wrong = good;
      wrong[cut] = static_cast<char>(wrong[cut] ^ 1);
      REQUIRE(code(wrong) == Code::corrupt);
    }
    CHECK(code(good + "x") == Code::corrupt);
  }
  // One is not taken for the other.
  CHECK(must(decode_sequence(encode_sequence(9))) == 9);
  CHECK(code_of(decode_sequence(encode_generation(9))) == Code::corrupt);
  Kept upside_down = some_kept();
  std::swap(upside_down.layouts[0], upside_down.layouts[1]);
  CHECK(code_of(decode_layouts(encode_layouts(upside_down))) == Code::corrupt);
  Kept mixed = some_kept();
  mixed.layouts[1].cluster = id(5);
  CHECK(code_of(decode_layouts(encode_layouts(mixed))) == Code::corrupt);
}

TEST_CASE("what was saved survives a power loss") {
  auto rng = make_seeded_rng(3);
  auto disk = fs::make_fault_fs(3);
  must(disk->make_directories("/d"));
  must(disk->sync_directory("/"));
  must(make_kept_directory(*disk, "/d/cluster"));
  Kept none = must(load_kept(*disk, "/d/cluster"));
  CHECK_FALSE(none.knows_cluster());
  CHECK(none.generation == 0);
  CHECK(none.sequence == 0);
  Kept kept = some_kept();
  must(save_layouts(*disk, "/d/cluster", kept));
  must(save_generation(*disk, "/d/cluster", 78));
  must(save_sequence(*disk, "/d/cluster", 79));
  auto after = disk->after_power_loss(*rng, 0.0);
  Kept again = must(load_kept(*after, "/d/cluster"));
  CHECK(again.was_member);
  CHECK(again.version() == 2);
  CHECK(again.generation == 78);
  CHECK(again.sequence == 79);
}

TEST_CASE("another cluster, an older layout or a lower counter in the store is noticed") {
  Kept kept = some_kept();
  layout::Layout same = kept.layouts[0];
  CHECK(distrust_layout(kept, &same).empty());
  layout::Layout newer = layout::settled(same);
  CHECK(distrust_layout(kept, &newer).empty());
  CHECK_THAT(distrust_layout(kept, &kept.layouts[1]),
             Contains("older") && Contains("rebuild-metadata"));
  CHECK_THAT(distrust_layout(kept, nullptr), Contains("empty") && Contains("rebuild-metadata"));
  layout::Layout other = newer;
  other.cluster = id(5);
  CHECK_THAT(distrust_layout(kept, &other), Contains(id(5).hex()) && Contains("rebuild-metadata"));
  CHECK(distrust_layout(Kept{}, nullptr).empty());
  CHECK(distrust_layout(Kept{}, &other).empty());
  CHECK_THAT(distrust_generation(5), Contains("generation 5") && Contains("rebuild-metadata"));
}
