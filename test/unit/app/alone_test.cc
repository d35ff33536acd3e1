#include "app/serve/alone.h"

#include <catch2/catch.hpp>

#include "mas/meta/memory.h"
#include "mas/runtime/io_threads.h"

namespace {

using namespace mas;

struct Rig {
  std::unique_ptr<meta::MetaStore> meta = meta::make_memory_meta();
  std::unique_ptr<Rng> rng = make_seeded_rng(1);

  layout::Member member(const std::string& slot) { return {slot, rng->id(), "", 1}; }
  void store_file() {
    meta::Object object;
    object.hash.bytes.fill(7);
    object.generation = 1;
    REQUIRE(run_blocking_for(meta->commit(object, 0, std::nullopt)).has_value());
  }
  Result<membership::ClusterView> view(const layout::Member& self) {
    return run_blocking_for(app::view_alone(*meta, self, *rng));
  }
};

TEST_CASE("A first start founds a layout of one, the next one finds it") {
  Rig rig;
  layout::Member self = rig.member("mas-0");
  auto first = rig.view(self);
  REQUIRE(first.has_value());
  CHECK(first->layout.version == 1);
  CHECK(first->layout.members == std::vector<layout::Member>{self});
  CHECK_FALSE(first->layout.cluster.is_zero());
  CHECK(first->pods.size() == 1);
  CHECK(first->pods.front().self);
  auto second = rig.view(self);
  REQUIRE(second.has_value());
  CHECK(second->layout.version == 1);
  CHECK(second->layout.cluster == first->layout.cluster);
}

TEST_CASE("A pod with another name takes the only place over") {
  Rig rig;
  layout::Member self = rig.member("mas-0");
  auto first = rig.view(self);
  REQUIRE(first.has_value());
  rig.store_file();
  layout::Member renamed = self;
  renamed.slot = "mas-7";
  auto second = rig.view(renamed);
  REQUIRE(second.has_value());
  CHECK(second->layout.version == 2);
  CHECK(second->layout.cluster == first->layout.cluster);
  CHECK(second->layout.members == std::vector<layout::Member>{renamed});
}

TEST_CASE("An empty directory does not take the place of one that holds files, but at a word") {
  Rig rig;
  auto first = rig.view(rig.member("mas-0"));
  REQUIRE(first.has_value());
  // Nothing depends on what was there.
  auto unused = rig.view(rig.member("mas-0"));
  REQUIRE(unused.has_value());
  CHECK_FALSE(unused->halted());
  rig.store_file();
  layout::Member empty = rig.member("mas-0");
  auto view = rig.view(empty);
  REQUIRE(view.has_value());
  CHECK_THAT(view->halted_why, Catch::Matchers::Contains("mas cluster give-up mas-0") &&
                                   Catch::Matchers::Contains("bring that data directory back"));
  CHECK(view->distrusted);
  CHECK_FALSE(view->confirmed);
  // The old one may come back at any time.
  auto stored = run_blocking_for(rig.meta->current_layout());
  CHECK((*stored)->members == unused->layout.members);
  auto given_up = run_blocking_for(app::view_alone(*rig.meta, empty, *rig.rng, true));
  REQUIRE(given_up.has_value());
  CHECK_FALSE(given_up->halted());
  CHECK(given_up->layout.members == std::vector<layout::Member>{empty});
}

TEST_CASE("Metadata of several pods is not taken over by one alone") {
  Rig rig;
  layout::Member self = rig.member("mas-0");
  layout::Layout two = layout::found(rig.rng->id(), {self, rig.member("mas-1")});
  two.version = 1;
  REQUIRE(run_blocking_for(rig.meta->propose_layout(0, two)).has_value());
  auto view = rig.view(self);
  REQUIRE(view.has_error());
  CHECK(view.error().code() == Code::refused);
}

TEST_CASE("An announced pod shows its address in the view") {
  Rig rig;
  auto view = rig.view(rig.member("mas-0"));
  REQUIRE(view.has_value());
  membership::ViewBoard board(*view);
  auto bus = membership::join_hub(membership::make_in_process_hub());
  auto announced = run_blocking_for(app::announce(*bus, board, "127.0.0.1:7080"));
  REQUIRE(announced.has_value());
  auto now = board.current();
  CHECK(now->pods.front().last.api_address == "127.0.0.1:7080");
  CHECK(now->pods.front().last.state == membership::PodState::active);
  CHECK(now->pods.front().self);
}

}  // namespace
