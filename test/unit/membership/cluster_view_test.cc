#include "mas/membership/cluster_view.h"

#include <catch2/catch.hpp>

using namespace mas;
using namespace mas::membership;

namespace {

Id128 incarnation(std::uint8_t byte) {
  Id128 id;
  id.bytes.fill(byte);
  return id;
}

Pod pod(const std::string& slot, std::uint8_t byte, bool alive) {
  Pod result;
  result.last.slot = slot;
  result.last.incarnation = incarnation(byte);
  result.alive = alive;
  return result;
}

layout::Member member(const std::string& slot, std::uint8_t byte) {
  layout::Member result;
  result.slot = slot;
  result.incarnation = incarnation(byte);
  return result;
}

// Members in another order than pods, one never heard of, one that came back as another
// incarnation.
ClusterView some_view() {
  ClusterView view;
  view.layout.members = {member("c", 3), member("a", 1), member("never", 9), member("b", 7)};
  view.pods = {pod("a", 1, true), pod("b", 2, true), pod("c", 3, false), pod("stranger", 5, true)};
  return view;
}

}  // namespace

TEST_CASE("a member's pod is found by slot and incarnation") {
  ClusterView view = some_view();
  CHECK(view.pod_of(0) == &view.pods[2]);
  CHECK(view.pod_of(1) == &view.pods[0]);
  CHECK(view.pod_of(2) == nullptr);
  CHECK(view.pod_of(3) == nullptr);
  CHECK(view.pod_of(4) == nullptr);
  CHECK(ClusterView{}.pod_of(0) == nullptr);
}

TEST_CASE("pods alive are counted, members or not") {
  CHECK(some_view().alive_count() == 3);
  CHECK(ClusterView{}.alive_count() == 0);
}

TEST_CASE("a view that is held stays as it was when the next is published") {
  ViewBoard board(some_view());
  std::shared_ptr<const ClusterView> held = board.current();
  CHECK(board.current() == held);
  ClusterView next = some_view();
  next.layout.version = 8;
  next.pods.clear();
  board.publish(std::move(next));
  CHECK(held->pods.size() == 4);
  CHECK(board.current()->layout.version == 8);
}
